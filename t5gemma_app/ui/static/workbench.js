// What the browser does alone: it keeps the conversations, copies and downloads text, and follows the answer.
// Conversations never leave this browser except the open one, and that only while it is answered. One localStorage
// entry each, so that two tabs do not overwrite each other and no event carries more than the open conversation.
window.workbench = (() => {
  const PREFIX = "t5gemma:conversation:";
  const OPEN = "t5gemma:open";
  const LIMIT = 4_000_000; // characters over all conversations; browsers stop at about five million

  const skip = () => ({ __type__: "update" });

  const entries = () => {
    const found = [];
    for (let i = 0; i < localStorage.length; i++) {
      const key = localStorage.key(i);
      if (!key.startsWith(PREFIX)) continue;
      const raw = localStorage.getItem(key);
      try {
        const { id, title, updated, messages } = JSON.parse(raw);
        if (id) found.push({ id, title, updated: updated || 0, size: raw.length, empty: !(messages || []).length });
      } catch {
        localStorage.removeItem(key); // not ours, or cut off by a full disk
      }
    }
    return found.sort((a, b) => b.updated - a.updated);
  };

  const listed = (open) => ({
    __type__: "update",
    choices: entries().map(({ id, title }) => [title || "New conversation", id]),
    value: open,
  });

  const makeRoom = (open, extra) => {
    let dropped = 0;
    const all = entries();
    let total = all.reduce((sum, entry) => sum + entry.size, extra);
    while (total > LIMIT && all.length) {
      const oldest = all.pop();
      if (oldest.id === open) continue;
      localStorage.removeItem(PREFIX + oldest.id);
      total -= oldest.size;
      dropped += 1;
    }
    return dropped;
  };

  let kept = "";
  const notice = (words) => `<p class="wb-notice">${words}</p>`;

  // Keep the open conversation; returns the list, a notice when older ones had to go, and the title.
  const keep = (raw) => {
    if (!raw) return [skip(), skip(), skip()];
    try {
      const { id, title, messages } = JSON.parse(raw);
      localStorage.setItem(OPEN, id);
      if (!(messages || []).length && localStorage.getItem(PREFIX + id) === null) {
        return [listed(null), "", ""]; // an untouched new conversation is not worth a row
      }
      localStorage.removeItem(PREFIX + id);
      let dropped = makeRoom(id, raw.length);
      for (;;) {
        try {
          localStorage.setItem(PREFIX + id, raw);
          break;
        } catch (full) {
          const oldest = entries().pop();
          if (!oldest) throw full;
          localStorage.removeItem(PREFIX + oldest.id);
          dropped += 1;
        }
      }
      const words = dropped === 1 ? "The oldest conversation was" : `The oldest ${dropped} conversations were`;
      const silence = id === kept ? skip() : ""; // a notice stays while its conversation is open
      kept = id;
      return [listed(id), dropped ? notice(`${words} removed to make room.`) : silence, title];
    } catch {
      return [skip(), notice("This browser does not let the page keep conversations; export what you need."), skip()];
    }
  };

  const read = (id) => {
    try {
      return (id && localStorage.getItem(PREFIX + id)) || "";
    } catch {
      return "";
    }
  };

  const open = () => {
    try {
      return read(localStorage.getItem(OPEN));
    } catch {
      return "";
    }
  };

  const sure = (question) => (confirm(question) ? "sure" : "");

  // Forget a conversation; returns the next one, or an empty text.
  const remove = (raw) => {
    if (!sure("Delete this conversation? It is kept nowhere else.")) return raw;
    try {
      localStorage.removeItem(PREFIX + JSON.parse(raw).id);
      const rest = entries();
      return rest.length ? read(rest[0].id) : "";
    } catch {
      return "";
    }
  };

  const download = (name, content, type) => {
    const address = URL.createObjectURL(new Blob([content], { type }));
    const anchor = Object.assign(document.createElement("a"), { href: address, download: name });
    anchor.click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  };

  const fileName = (raw, ending) => {
    const words = (JSON.parse(raw).title || "conversation").toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-");
    return `${words.replace(/^-+|-+$/g, "").slice(0, 60) || "conversation"}.${ending}`;
  };

  const copy = async (button) => {
    const content = button.closest(".wb-turn").querySelector(".wb-text").innerText;
    try {
      await navigator.clipboard.writeText(content);
    } catch {
      const area = Object.assign(document.createElement("textarea"), { value: content });
      document.body.append(area);
      area.select();
      document.execCommand("copy"); // pages that are not served over https have no clipboard object
      area.remove();
    }
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 1500);
  };

  const box = () => document.querySelector("#message textarea");
  const visible = (selector) => {
    const element = document.querySelector(selector);
    return element && element.offsetParent !== null ? element : null;
  };

  // The thread fills the window: its height is what header, banner and message box leave.
  const fit = () => {
    const scroll = visible("#thread-scroll");
    const composer = visible("#composer");
    if (!scroll || !composer) return;
    const room = innerHeight - (scroll.getBoundingClientRect().top + scrollY) - composer.offsetHeight - (visible("footer")?.offsetHeight || 0) - 16;
    scroll.style.setProperty("height", `${Math.max(room, 240)}px`);
    scroll.scrollTop = scroll.scrollHeight;
  };

  // Follow the answer while the reader is at the end; leave the page alone while they read above.
  const follow = () => {
    let pinned = true;
    let watched = null;
    const attach = () => {
      const scroll = document.querySelector("#thread-scroll");
      if (!scroll || scroll === watched) return;
      watched = scroll;
      scroll.addEventListener("scroll", () => {
        pinned = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 48;
      });
      new MutationObserver(() => {
        document.querySelector("#composer")?.classList.remove("wb-busy");
        if (pinned) scroll.scrollTop = scroll.scrollHeight;
      }).observe(scroll, { childList: true, subtree: true, characterData: true });
      const composer = document.querySelector("#composer");
      if (composer) new ResizeObserver(fit).observe(composer);
      const header = document.querySelector("#top");
      if (header) {
        new ResizeObserver(fit).observe(header);
        new MutationObserver(reopen).observe(header, { childList: true, subtree: true });
      }
      fit();
    };
    const waiting = new MutationObserver(() => {
      attach();
      if (watched) waiting.disconnect();
    });
    waiting.observe(document.documentElement, { childList: true, subtree: true });
    attach();
    addEventListener("resize", fit);
    return () => {
      pinned = true;
      const composer = document.querySelector("#composer");
      if (!composer || !box().value.trim()) return;
      composer.classList.add("wb-busy"); // until the page changes, or the server proves to be away
      setTimeout(() => composer.classList.remove("wb-busy"), 5000);
    };
  };
  const pin = follow();

  // The first words may stand on the page a moment before the button that stops them.
  const stopSoon = (tries) => {
    const stop = visible("#stop");
    if (stop) stop.click();
    else if (tries && visible(".wb-streaming")) setTimeout(() => stopSoon(tries - 1), 100);
  };

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    stopSoon(30);
    for (const panel of document.querySelectorAll(".wb-open")) panel.classList.remove("wb-open");
  });

  let pause;
  document.addEventListener("input", (event) => {
    if (event.target !== box()) return;
    clearTimeout(pause);
    pause = setTimeout(() => document.querySelector("#count")?.click(), 400);
  });

  // The header is drawn anew when the engine's state changes; what a reader opened in it stays open.
  const opened = new Set();
  document.addEventListener(
    "toggle",
    ({ target }) => {
      if (!target.closest?.("#top")) return;
      if (target.open) opened.add(target.className);
      else if (target.isConnected) opened.delete(target.className);
    },
    true,
  );
  const reopen = () => {
    for (const details of document.querySelectorAll("#top details:not([open])")) {
      if (opened.has(details.className)) details.open = true;
    }
  };

  document.addEventListener("click", (event) => {
    const toggle = event.target.closest?.("[data-panel]");
    if (toggle) {
      for (const panel of document.querySelectorAll("#chat-left, #chat-right")) {
        const opens = panel.id === toggle.dataset.panel && !panel.classList.contains("wb-open");
        panel.classList.toggle("wb-open", opens);
        const button = document.querySelector(`[data-panel="${panel.id}"]`);
        button?.setAttribute("aria-expanded", String(opens));
      }
      fit();
    }
    for (const details of document.querySelectorAll("details.wb-state[open]")) {
      if (!details.contains(event.target)) details.removeAttribute("open");
    }
  });

  // Put a text into a message box as if it had been typed, and send it.
  const say = (words, field = "#message textarea", button = "#send") => {
    const area = document.querySelector(field);
    Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(area, words);
    area.dispatchEvent(new Event("input", { bubbles: true }));
    setTimeout(() => visible(button)?.click(), 60);
  };

  // Keep imported conversations; returns the one to open, which is the first of them.
  const take = (current, all) => {
    const found = all ? JSON.parse(all) : [];
    for (const raw of found.reverse()) keep(raw);
    return found.length ? found.at(-1) : current;
  };

  return {
    keep,
    say,
    take,
    read,
    open,
    remove,
    sure,
    pin,
    fit,
    copy,
    focus: () => setTimeout(() => box()?.focus(), 50),
    saveJson: (raw, content) => content && download(fileName(raw, "json"), content, "application/json"),
    saveMarkdown: (raw, content) => content && download(fileName(raw, "md"), content, "text/markdown"),
  };
})();
