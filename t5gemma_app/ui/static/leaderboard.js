// What the Leaderboard tab does alone in the browser: the address follows the view, files are saved, and whoever works
// by keyboard finds the focus again after a part was redrawn.
window.board = (() => {
  const NAME = "Leaderboard";
  const TABS = '#tabs [role="tab"], #tabs .overflow-dropdown button'; // those that a phone has no room for are in a menu
  const tabs = () => [...document.querySelectorAll(TABS)];
  const tabNamed = (name) => tabs().find((tab) => tab.textContent.trim().toLowerCase() === name.toLowerCase());
  const isOpen = () => Boolean(tabNamed(NAME)?.matches('[aria-selected="true"], .selected'));
  const address = (query) => `${location.origin}${location.pathname}${query ? `?${query.replace(/^\?/, "")}` : ""}`;

  // What belongs to the page as a whole, such as ?__theme=dark, stays in the address.
  const show = (query) => {
    const whole = [...new URLSearchParams(location.search)].filter(([name]) => name.startsWith("__"));
    const parts = [query, new URLSearchParams(whole).toString()].filter(Boolean);
    history.replaceState(null, "", address(parts.join("&")));
  };

  const remember = (query) => {
    if (query && isOpen()) show(query.replace(/^\?/, ""));
  };

  const copy = async (words) => {
    try {
      await navigator.clipboard.writeText(words);
    } catch {
      const area = Object.assign(document.createElement("textarea"), { value: words });
      document.body.append(area);
      area.select();
      document.execCommand("copy"); // pages that are not served over https have no clipboard object
      area.remove();
    }
  };

  const copyLink = async (query) => {
    await copy(address(query));
    const button = document.querySelector("#board-link");
    if (!button) return;
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy link"), 1500);
  };

  const save = (carried) => {
    if (!carried) return;
    const { name, type, content } = JSON.parse(carried);
    const place = URL.createObjectURL(new Blob([content], { type }));
    Object.assign(document.createElement("a"), { href: place, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(place), 1000);
  };

  // A part that is drawn anew loses what was focused, how far it was scrolled, and which samples were open.
  const before = new WeakMap();
  const clicked = (part, button) => {
    const scroller = part.querySelector(".wb-board");
    before.set(part, { act: button.dataset.board, left: scroller?.scrollLeft || 0, top: scroller?.scrollTop || 0 });
  };
  const redrawn = (part) => {
    const kept = before.get(part);
    if (!kept) return;
    before.delete(part);
    const scroller = part.querySelector(".wb-board");
    if (scroller) Object.assign(scroller, { scrollLeft: kept.left, scrollTop: kept.top });
    const again = [...part.querySelectorAll("button[data-board]")].find((one) => one.dataset.board === kept.act);
    again?.focus({ preventScroll: true });
  };

  document.addEventListener("click", (event) => {
    const wanted = event.target.closest?.("[data-tab]");
    if (wanted) tabNamed(wanted.dataset.tab)?.click();
    const tab = event.target.closest?.(TABS);
    if (tab && tab.textContent.trim() !== NAME && location.search) show("");
  });

  // A link names its tab; it is opened as soon as the page has it.
  const wanted = new URLSearchParams(location.search).get("tab");
  if (wanted) {
    const open = () => {
      const tab = tabNamed(wanted);
      if (tab) tab.click();
      return Boolean(tab);
    };
    const waiting = new MutationObserver(() => open() && waiting.disconnect());
    if (!open()) waiting.observe(document.documentElement, { childList: true, subtree: true });
  }

  return { remember, copyLink, save, clicked, redrawn };
})();
