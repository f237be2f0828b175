// What the browser keeps for the Compare tab: votes, one localStorage entry each, so that two tabs do not overwrite each
// other's, and the answers that are on the page, until it is closed. Votes leave the browser only to be counted, without
// their texts, or to be written as a file.
window.ballot = (() => {
  const PREFIX = "t5gemma:vote:";
  const LAST = "t5gemma:comparison";
  const LIMIT = 600_000; // characters of all votes; conversations have the rest of a browser's five million

  const entries = () => {
    const found = [];
    for (let i = 0; i < localStorage.length; i++) {
      const key = localStorage.key(i);
      if (!key.startsWith(PREFIX)) continue;
      const raw = localStorage.getItem(key);
      try {
        found.push({ key, raw, vote: JSON.parse(raw) });
      } catch {
        localStorage.removeItem(key); // not ours, or cut off by a full disk
      }
    }
    return found.sort((a, b) => (a.vote?.asked || 0) - (b.vote?.asked || 0));
  };

  // A vote without texts and figures, which counting does not need; a seed may be larger than this language counts.
  const bare = ({ vote }) => {
    if (!vote?.entries?.map) return vote;
    const side = ({ letter, checkpoint, parameters = {} } = {}) => {
      const { seed, stop, ...style } = parameters;
      return { letter, checkpoint, parameters: style };
    };
    const entries = vote.entries.map((one) => ({ side: side(one?.side), figures: one?.figures }));
    return { id: vote.id, prompt: "", entries, choice: vote.choice };
  };

  const all = (state = "") => {
    try {
      return [JSON.stringify(entries().map(bare)), state];
    } catch {
      return ["[]", "refused"];
    }
  };

  const whole = () => {
    try {
      return `[${entries().map(({ raw }) => raw).join(",")}]`;
    } catch {
      return "[]";
    }
  };

  const keep = (raw) => {
    if (!raw) return all();
    try {
      const key = PREFIX + JSON.parse(raw).id;
      localStorage.removeItem(key);
      const older = entries();
      let [room, state] = [LIMIT - raw.length - older.reduce((sum, one) => sum + one.raw.length, 0), ""];
      for (;;) {
        try {
          if (room < 0 && older.length) throw new Error("full");
          localStorage.setItem(key, raw);
          return all(state);
        } catch (full) {
          const oldest = older.shift();
          if (!oldest) throw full;
          localStorage.removeItem(oldest.key);
          room += oldest.raw.length;
          state = "full";
        }
      }
    } catch {
      return all("refused");
    }
  };

  const clear = () => {
    if (workbench.sure("Clear all votes? They are kept nowhere else.")) {
      try {
        for (const { key } of entries()) localStorage.removeItem(key);
      } catch {
        return all("refused");
      }
    }
    return all();
  };

  const remember = (raw) => {
    try {
      if (raw) sessionStorage.setItem(LAST, raw);
    } catch {
      // the answers are then gone after a reload, as they would be without this
    }
  };

  const last = () => {
    try {
      return sessionStorage.getItem(LAST) || "";
    } catch {
      return "";
    }
  };

  // Whoever works by keyboard finds the vote again after it was redrawn.
  const focus = () => {
    const pressed = () => document.querySelector('#compare-verdict [aria-pressed="true"]')?.focus({ preventScroll: true });
    setTimeout(pressed, 50);
  };

  // On a phone the answers stand below the controls of all columns, out of sight.
  const seek = () => {
    if (innerWidth > 860) return;
    const show = () => {
      const asked = document.querySelector("#compare-asked");
      const box = document.querySelector("#compare-box");
      if (asked?.offsetParent) scrollBy({ top: asked.getBoundingClientRect().top - box.offsetHeight - 16, behavior: "smooth" });
    };
    setTimeout(show, 400);
  };

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const stop = document.querySelector("#compare-stop");
    if (stop && stop.offsetParent !== null) stop.click();
  });

  return { all, whole, keep, clear, remember, last, focus, seek };
})();
