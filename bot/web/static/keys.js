// The keyboard. A key belongs to the visible element that carries it in data-key; rows move by j and k.

const PAIR_MS = 1200; // how long `g` waits for its second key
let first = "";
let firstAt = 0;

const typing = (element) =>
  element.isContentEditable || element.matches("textarea, select, input:not([type=radio], [type=checkbox], [type=button], [type=submit])");

const visible = (element) => element.checkVisibility?.() ?? element.offsetParent !== null;

function move(step) {
  const rows = [...document.querySelectorAll("[data-row]")].filter(visible);
  if (!rows.length) return;
  const at = rows.findIndex((row) => row === document.activeElement);
  const current = rows.findIndex((row) => row.hasAttribute("aria-current"));
  const from = at >= 0 ? at : current;
  const to = from < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, from + step));
  rows[to].focus();
  rows[to].scrollIntoView({ block: "nearest" });
}

function use(key) {
  for (const element of document.querySelectorAll(`[data-key="${CSS.escape(key)}"]`)) {
    if (element.matches("textarea")) {
      // Reply and note share one place: show the right one first.
      const kind = element.closest("form").id === "note-form" ? "note" : "reply";
      const choice = element.closest(".composer")?.querySelector(`input[name=kind][value=${kind}]`);
      if (choice) choice.checked = true;
    }
    openAround(element);
    if (!visible(element)) continue;
    if (element.matches("textarea, input")) element.focus();
    else element.click();
    // The browser says `toggle` a moment later: whoever types on would be faster than the menu.
    if (element.matches("summary")) element.parentElement.dispatchEvent(new Event("toggle"));
    return true;
  }
  return false;
}

// What stands in a closed menu of the page is a key away all the same.
function openAround(element) {
  const menu = element.closest("details.menu:not([open])");
  if (!menu || !visible(menu) || element.matches("summary")) return;
  menu.open = true;
}

function onKey(event) {
  if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.isComposing) return;
  const at = event.target instanceof Element ? event.target : document.body;
  if (typing(at)) {
    if (event.key === "Escape") at.blur();
    return;
  }
  if (document.querySelector("dialog[open]") || at.closest(".menu-body")) return;
  const pair = first && performance.now() - firstAt < PAIR_MS ? `${first} ${event.key}` : "";
  first = "";
  if (pair && use(pair)) return event.preventDefault();
  switch (event.key) {
    case "j": move(1); break;
    case "k": move(-1); break;
    case "?": document.getElementById("keys")?.showModal(); break;
    case "g": first = "g"; firstAt = performance.now(); break;
    default:
      if (event.key.length !== 1 || !use(event.key)) return;
  }
  event.preventDefault();
}

document.addEventListener("keydown", onKey);

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.matches?.("textarea")) {
    event.preventDefault();
    event.target.form?.requestSubmit();
  }
});
