// What the Classify tab does alone in the browser: examples fill the form, and a finished file is saved.
window.classifying = (() => {
  const put = (box, words) => {
    box.value = words;
    box.dispatchEvent(new Event("input", { bubbles: true }));
  };

  const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

  // Chips are typed as a person would: removed one by one, then written with Enter.
  const label = async (labels) => {
    const field = document.querySelector("#classify-labels");
    const box = field?.querySelector("input");
    if (!box) return;
    field.querySelector(".token-remove.remove-all")?.click();
    await wait(50);
    for (const one of labels) {
      box.focus();
      put(box, one);
      await wait(30);
      box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
      await wait(30);
    }
    box.blur();
  };

  const clicked = async (target) => {
    const example = target.closest("[data-classify-text]");
    if (!example) return;
    put(document.querySelector("#classify-text textarea"), example.dataset.classifyText);
    const labels = example.dataset.classifyLabels;
    if (labels) await label(labels.split(","));
    await wait(80); // the page takes the values in first
    document.querySelector("#classify-start")?.click();
  };

  // The link appears once the page has drawn the file that the server wrote.
  const fetch = async (place) => {
    for (let turn = 0; turn < 40; turn += 1) {
      const link = document.querySelector(`${place} a[href]`);
      if (link && link.href !== fetch.last) {
        fetch.last = link.href;
        link.click();
        return;
      }
      await wait(50);
    }
  };

  return { clicked, fetch };
})();
