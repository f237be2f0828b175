// What the Tag tab does alone in the browser: labels are hidden, a threshold acts at once, and the view changes.
window.tagging = (() => {
  let least = 0;
  const hidden = new Set();

  const sure = (element) => element.dataset.score === "" || Number(element.dataset.score) >= least;

  const refresh = (part) => {
    const counts = {};
    for (const mark of part.querySelectorAll("mark.wb-span")) {
      const kept = sure(mark);
      if (kept) counts[mark.dataset.label] = (counts[mark.dataset.label] || 0) + 1;
      mark.classList.toggle("wb-off", !kept || hidden.has(mark.dataset.label));
    }
    for (const row of part.querySelectorAll("tr[data-label]")) {
      row.hidden = !sure(row) || hidden.has(row.dataset.label);
    }
    for (const key of part.querySelectorAll(".wb-tag-key")) {
      key.setAttribute("aria-pressed", String(!hidden.has(key.dataset.label)));
      key.querySelector("b").textContent = counts[key.dataset.label] || 0;
    }
  };

  const threshold = (value) => {
    least = Number(value) || 0;
    const part = document.querySelector("#tag-result");
    if (part) refresh(part);
  };

  const redrawn = (part) => {
    hidden.clear();
    refresh(part);
  };

  const show = (part, view) => {
    part.querySelector(".wb-tagged").dataset.view = view;
    for (const button of part.querySelectorAll("[data-tag-view]")) {
      button.setAttribute("aria-pressed", String(button.dataset.tagView === view));
    }
  };

  const fill = (words) => {
    const box = document.querySelector("#tag-text textarea");
    box.value = words;
    box.dispatchEvent(new Event("input", { bubbles: true }));
    setTimeout(() => document.querySelector("#tag-start")?.click(), 50); // after the page has taken the text in
  };

  const clicked = (part, target) => {
    const key = target.closest(".wb-tag-key");
    const view = target.closest("[data-tag-view]");
    const example = target.closest("[data-tag-text]");
    if (key) {
      if (!hidden.delete(key.dataset.label)) hidden.add(key.dataset.label);
      refresh(part);
    }
    if (view) show(part, view.dataset.tagView);
    if (example) fill(example.dataset.tagText);
  };

  return { threshold, redrawn, clicked };
})();
