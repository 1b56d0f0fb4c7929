// Saved replies in the composer: `/` at the start of a line opens a search, arrow keys choose, Enter inserts. What is
// inserted is text in the field, nothing more: it is sent by whoever reads it.

const WAIT_MS = 80;
let waiting = 0;
let asked = 0;
let slash = null; // where the `/` stands that opened the search

const field = () => document.getElementById("reply-text");
const box = () => document.getElementById("saved-replies-box");
const search = () => document.getElementById("saved-replies-search");
const list = () => document.getElementById("saved-replies-list");
const options = () => [...list().querySelectorAll("[data-fill]")];
const announce = (text) => (document.getElementById("announcer").textContent = text);

// ---- opening and closing -----------------------------------------------------------------------------------------

function open(typed = "") {
  if (!box() || !field()) return;
  pickReply();
  box().hidden = false;
  document.querySelector("[data-saved-replies]")?.setAttribute("aria-expanded", "true");
  search().value = typed;
  search().focus();
  look();
}

function close({ back = true } = {}) {
  if (!box() || box().hidden) return;
  box().hidden = true;
  document.querySelector("[data-saved-replies]")?.setAttribute("aria-expanded", "false");
  search().removeAttribute("aria-activedescendant");
  slash = null;
  if (back) field()?.focus();
}

function pickReply() {
  const choice = document.querySelector(".composer input[name=kind][value=reply]");
  if (choice) choice.checked = true;
}

// ---- the list ----------------------------------------------------------------------------------------------------

async function look() {
  const turn = ++asked;
  const url = `${box().dataset.options}?q=${encodeURIComponent(search().value)}`;
  const answer = await fetch(url, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (turn !== asked || !answer?.ok || !list()) return;
  list().innerHTML = await answer.text();
  choose(0);
  const count = options().length;
  announce(ngettext("%(num)s saved reply", "%(num)s saved replies", count));
}

function choose(at) {
  const all = options();
  if (!all.length) return search().removeAttribute("aria-activedescendant");
  const chosen = all[(at + all.length) % all.length];
  for (const one of all) one.setAttribute("aria-selected", String(one === chosen));
  search().setAttribute("aria-activedescendant", chosen.id);
  chosen.scrollIntoView({ block: "nearest" });
}

const chosenAt = () => options().findIndex((one) => one.getAttribute("aria-selected") === "true");

// ---- inserting ---------------------------------------------------------------------------------------------------

function insert(text) {
  const place = field();
  if (!place) return;
  pickReply();
  // The `/` that opened the search makes way; so does nothing else of what was written.
  const start = slash ?? place.selectionStart;
  const end = slash === null ? place.selectionEnd : slash + 1;
  place.setRangeText(text, start, end, "end");
  slash = null;
  place.focus();
  place.dispatchEvent(new InputEvent("input", { bubbles: true }));
}

async function fetchAndInsert(url) {
  const headers = { Accept: "application/json", "X-CSRF-Token": document.querySelector("meta[name=csrf-token]").content };
  const answer = await fetch(url, { method: "POST", headers }).catch(() => null);
  if (!answer?.ok) {
    const text = gettext("The reply could not be fetched. Try again.");
    return document.dispatchEvent(new CustomEvent("hubbub:toast", { detail: { text, level: "error" } }));
  }
  const filled = await answer.json();
  insert(filled.text);
  close();
  if (filled.missing.length) {
    const text = gettext("Without a value here: %(names)s. Write it yourself.", { names: filled.missing.join(", ") });
    document.dispatchEvent(new CustomEvent("hubbub:toast", { detail: { text, level: "warning" } }));
  }
}

// ---- events ------------------------------------------------------------------------------------------------------

document.addEventListener("input", (event) => {
  if (event.target.id === "saved-replies-search") {
    clearTimeout(waiting);
    waiting = setTimeout(look, WAIT_MS);
  } else if (event.target === field() && event.data === "/" && !event.isComposing) {
    const at = field().selectionStart;
    if (at === 1 || field().value[at - 2] === "\n") {
      slash = at - 1;
      open();
    }
  }
});

document.addEventListener("keydown", (event) => {
  if (event.target.id !== "saved-replies-search" || event.isComposing) return;
  switch (event.key) {
    case "ArrowDown": choose(chosenAt() + 1); break;
    case "ArrowUp": choose(chosenAt() - 1); break;
    case "Enter": {
      const chosen = options()[chosenAt()];
      if (chosen) fetchAndInsert(chosen.dataset.fill);
      break;
    }
    case "Escape": close(); break;
    case "Tab": close({ back: false }); return;
    default: return;
  }
  event.preventDefault();
  event.stopPropagation();
}, true);

document.addEventListener("click", (event) => {
  const at = event.target instanceof Element ? event.target : document.body;
  if (at.closest("[data-saved-replies]")) return box()?.hidden ? open() : close();
  const text = at.closest("[data-insert-text]");
  if (text) return insert(text.dataset.insertText);
  const chosen = at.closest("[data-fill]");
  if (chosen) {
    event.preventDefault();
    fetchAndInsert(chosen.dataset.fill);
  } else if (!at.closest("#saved-replies-box")) close({ back: false });
});
