// The page while it is open: requests by htmx, what live parts ask for (stream.js hears it), what a swap must not disturb.

const NEAR_BOTTOM_PX = 120;
const PHONE = "(max-width: 860px)"; // as in app.css
const CARRIED = "hubbub.carried";

const say = (text, level) => document.dispatchEvent(new CustomEvent("hubbub:toast", { detail: { text, level } }));
const pathOf = (url) => new URL(url, location.href).pathname;
const parse = (html) => new DOMParser().parseFromString(html, "text/html");

document.addEventListener("htmx:configRequest", (event) => {
  const token = document.querySelector("meta[name=csrf-token]")?.content;
  if (token && event.detail.verb !== "get") event.detail.headers["X-CSRF-Token"] = token;
});

// ---- answers that belong elsewhere -------------------------------------------------------------------------------

// A form answered by another page (sign-in, the next conversation): go there instead of taking a piece out of it.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, elt, boosted } = event.detail;
  // A field that asks for a list of its own goes nowhere. (`elt` is where the answer goes, not who asked.)
  if (event.detail.requestConfig.elt.hasAttribute("hx-get")) return;
  if (!boosted && elt.closest("[hx-boost]")?.getAttribute("hx-boost") !== "true") return;
  if (xhr.status >= 400) {
    // A refusal that shows the conversation again is worth looking at: what is new in it is mostly why.
    event.detail.shouldSwap = parse(xhr.responseText).getElementById("work") !== null;
    return;
  }
  if (pathOf(xhr.responseURL) === location.pathname) return;
  event.detail.shouldSwap = false;
  const said = [...parse(xhr.responseText).querySelectorAll("#flashes .flash")];
  carry(said.map((one) => ({ text: one.textContent.trim(), level: one.dataset.level })));
  location.assign(xhr.responseURL);
});

function carry(messages) {
  try {
    if (messages.length) sessionStorage.setItem(CARRIED, JSON.stringify(messages));
  } catch {
    // The words are lost, the deed is done.
  }
}

function unpackCarried() {
  try {
    for (const one of JSON.parse(sessionStorage.getItem(CARRIED) ?? "[]")) say(one.text, one.level);
    sessionStorage.removeItem(CARRIED);
  } catch {
    // Nothing was carried.
  }
}

document.addEventListener("htmx:responseError", (event) => {
  const { xhr } = event.detail;
  const page = parse(xhr.responseText);
  if (page.getElementById("work")) return; // swapped in, and its own words with it
  const text = page.querySelector("[data-error-text]")?.textContent.trim();
  say(text || gettext("That did not work (%(status)s). What you typed is kept.", { status: xhr.status }), "error");
});

for (const name of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, () => say(gettext("Hubbub could not be reached. What you typed is kept."), "error"));
}

// ---- a busy house ------------------------------------------------------------------------------------------------

// A part marked data-calm asks at most once a second however much happens, and not at all while nobody looks. What one
// has done oneself (catch-up) is asked for at once.
const CALM_MS = 1000;
const asked = new Map();
const later = new Map();
const unseen = new Set();

document.addEventListener("htmx:beforeRequest", (event) => {
  const part = event.detail.elt;
  if (!part.matches("[data-calm]")) return;
  const told = event.detail.requestConfig.triggeringEvent?.type.startsWith("sse:");
  if (told && document.visibilityState === "hidden") {
    unseen.add(part.id);
    event.preventDefault();
    return;
  }
  const wait = (asked.get(part.id) ?? 0) + CALM_MS - performance.now();
  if (told && wait > 0) {
    event.preventDefault();
    if (!later.has(part.id)) later.set(part.id, setTimeout(() => askNow(part.id), wait));
    return;
  }
  clearTimeout(later.get(part.id));
  later.delete(part.id);
  asked.set(part.id, performance.now());
});

function askNow(id) {
  later.delete(id);
  const part = document.getElementById(id);
  if (part) htmx.trigger(part, "catch-up");
}

document.addEventListener("visibilitychange", () => {
  if (document.visibilityState !== "visible") return;
  for (const id of unseen) askNow(id);
  unseen.clear();
});

// ---- swaps that disturb nobody -----------------------------------------------------------------------------------

const remembered = new Map();

function known(part) {
  return new Set([...part.querySelectorAll("[data-row], [data-entry]")].map((one) => one.id));
}

function openFolds(part) {
  return [...part.querySelectorAll("[data-entry]")].flatMap((entry) =>
    [...entry.querySelectorAll("details")].flatMap((fold, index) => (fold.open ? [[entry.id, index]] : [])),
  );
}

document.addEventListener("htmx:beforeSwap", (event) => {
  const part = event.detail.target;
  if (!part.matches?.("[data-live]")) return;
  const below = part.scrollHeight - part.scrollTop - part.clientHeight;
  remembered.set(part.id, { ids: known(part), folds: openFolds(part), top: part.scrollTop, follow: below < NEAR_BOTTOM_PX });
});

document.addEventListener("htmx:afterSwap", (event) => {
  const part = event.detail.target;
  const before = remembered.get(part.id);
  if (!before || !part.matches("[data-live]")) return;
  remembered.delete(part.id);
  for (const one of part.querySelectorAll("[data-row], [data-entry]")) {
    if (before.ids.size && !before.ids.has(one.id)) one.classList.add("is-new");
  }
  for (const [id, index] of before.folds) {
    const fold = document.getElementById(id)?.querySelectorAll("details")[index];
    if (fold) fold.open = true;
  }
  if (part.matches(".timeline-box")) part.scrollTop = before.follow ? part.scrollHeight : before.top;
  markCurrentRow();
});

// An open menu in the head stays open: the next refresh brings the rest. Who stands on a button stays on it.
let stoodOn = null;

document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const old = event.detail.target;
  if (old.id !== "talk-head") return;
  if (old.querySelector("details[open]")) event.detail.shouldSwap = false;
  else if (old.contains(document.activeElement)) stoodOn = document.activeElement.dataset.key ?? "";
});

document.addEventListener("htmx:oobAfterSwap", () => {
  if (stoodOn === null) return;
  const same = document.querySelector(`#talk-head [data-key="${CSS.escape(stoodOn)}"]`);
  (same ?? document.getElementById("talk-heading")).focus({ preventScroll: true });
  stoodOn = null;
});

function markCurrentRow() {
  for (const row of document.querySelectorAll("[data-row]")) {
    if (pathOf(row.href) === location.pathname) row.setAttribute("aria-current", "page");
    else row.removeAttribute("aria-current");
  }
}

function showNewest() {
  const timeline = document.getElementById("timeline");
  if (!timeline) return;
  timeline.scrollTop = timeline.scrollHeight;
  // On a phone the page scrolls instead of the pane.
  if (matchMedia(PHONE).matches) timeline.querySelector(".timeline > li:last-child")?.scrollIntoView({ block: "end" });
}

// A verb replaced the work area: the list beside it is out of date, and the focus may have gone with its button.
// At once, not after settling: whoever types ahead has opened the next menu by then.
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.id !== "work") return;
  showNewest();
  const sent = event.detail.requestConfig?.elt.matches("#reply-form, #note-form") && event.detail.xhr.status < 400;
  // Who has sent something means the next letter as a key: `e`, `a`. One who goes on writing presses `r`.
  if (sent || document.activeElement === document.body) document.getElementById("talk-heading")?.focus({ preventScroll: true });
  const list = document.getElementById("queue-list");
  if (list?.matches("[data-live]")) htmx.trigger(list, "catch-up");
});

// What happened while the answer of a verb was on its way told the old timeline, which is gone.
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id === "work") htmx.trigger("#timeline", "catch-up");
});

// ---- where one was ----------------------------------------------------------------------------------------------

const LIST_AT = "hubbub.list-at";
const pane = document.getElementById("list-pane");
try {
  if (pane) pane.scrollTop = Number(sessionStorage.getItem(LIST_AT) ?? 0);
  addEventListener("pagehide", () => pane && sessionStorage.setItem(LIST_AT, String(pane.scrollTop)));
} catch {
  // Without storage the list starts at its top.
}
pane?.querySelector("[data-row][aria-current]")?.scrollIntoView({ block: "nearest" });
showNewest();
unpackCarried();
