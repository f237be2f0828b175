// What the Look inside tab does alone in the browser: a word of the answer lights up what it looked at in the source.
window.looking = (() => {
  const NAMED = 5;
  const decoded = new WeakMap();

  const bytes = (packed) => Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));

  // The page changes the same element when another layer is shown; the chosen word stays while the answer does.
  const numbers = (root) => {
    const known = decoded.get(root);
    if (known?.packed === root.dataset.shares) return known;
    const shares = bytes(root.dataset.shares);
    const answer = root.querySelector(".wb-look-answer").textContent;
    decoded.set(root, {
      packed: root.dataset.shares,
      depths: bytes(root.dataset.depths),
      shares: Float32Array.from({ length: shares.length / 2 }, (_, at) => (shares[2 * at] + 256 * shares[2 * at + 1]) / 100),
      width: Number(root.dataset.width),
      answer,
      pinned: known?.answer === answer ? known.pinned : Number(root.dataset.first),
    });
    return decoded.get(root);
  };

  const percent = (share) => `${share.toFixed(1)} %`;

  const show = (root, row) => {
    const { depths, shares, width } = numbers(root);
    const source = root.querySelectorAll(".wb-look-source-word");
    source.forEach((word, at) => {
      word.style.setProperty("--depth", depths[row * width + at] / 255);
      word.title = percent(shares[row * width + at]);
    });
    for (const word of root.querySelectorAll(".wb-look-word")) {
      word.setAttribute("aria-pressed", String(Number(word.dataset.row) === row));
    }
    const order = [...source.keys()].sort((a, b) => shares[row * width + b] - shares[row * width + a]);
    const most = order.slice(0, NAMED).map((at) => `${source[at].textContent} ${percent(shares[row * width + at])}`);
    root.querySelector(".wb-look-most").textContent = `looked most at: ${most.join(" · ")}`;
  };

  const redrawn = (part) => {
    const root = part.querySelector(".wb-look");
    if (root) show(root, numbers(root).pinned);
  };

  const used = (part, event) => {
    const root = part.querySelector(".wb-look");
    if (!root) return;
    const word = event.target.closest?.(".wb-look-word");
    if (word) {
      const row = Number(word.dataset.row);
      if (event.type === "click") numbers(root).pinned = row;
      if (event.type !== "mouseleave") return show(root, row);
    }
    const left = event.type === "mouseleave" && event.target.matches?.(".wb-look-answer");
    if (left) show(root, numbers(root).pinned);
  };

  return { redrawn, used };
})();
