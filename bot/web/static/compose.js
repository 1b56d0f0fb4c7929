// Writing: drafts that survive everything until the timeline shows them, the counter, and news while one writes.

const KEEP_MS = 14 * 24 * 3600 * 1000;
const PREFIX = "hubbub.draft.";
const NEAR_LIMIT = 20;

const fields = () => [...document.querySelectorAll("textarea[data-draft]")];
const kindOf = (field) => (field.form.id === "note-form" ? "note" : "outbound");
const keyOf = (field) => `${PREFIX}${field.closest("[data-conversation]").dataset.conversation}.${kindOf(field)}`;
const plain = (text) => text.replace(/\s+/g, " ").trim();

function entries(kind) {
  return [...document.querySelectorAll(`[data-entry="${kind}"]`)];
}

// ---- storage, which may be closed to us --------------------------------------------------------------------------

function load(key) {
  try {
    return JSON.parse(localStorage.getItem(key) ?? "null");
  } catch {
    return null;
  }
}

function save(key, draft) {
  try {
    if (draft?.text) localStorage.setItem(key, JSON.stringify({ ...draft, at: Date.now() }));
    else localStorage.removeItem(key);
  } catch {
    // The text is still in its field.
  }
}

function dropOld() {
  try {
    for (const key of Object.keys(localStorage).filter((one) => one.startsWith(PREFIX))) {
      if (Date.now() - (load(key)?.at ?? 0) > KEEP_MS) localStorage.removeItem(key);
    }
  } catch {
    // Nothing to tidy.
  }
}

// ---- drafts ------------------------------------------------------------------------------------------------------

// A draft is done with when a message that was not there before it was sent holds its text. Nothing else counts:
// not an answer of the server, not a page that looks right.
function isAccepted(draft, kind) {
  return entries(kind).some((entry) => !draft.before.includes(entry.id) && plain(entry.querySelector(".text")?.textContent ?? "").includes(plain(draft.text)));
}

function settle() {
  for (const field of fields()) {
    const draft = load(keyOf(field));
    if (draft?.sent && isAccepted(draft, kindOf(field))) {
      save(keyOf(field), null);
      if (plain(field.value) === plain(draft.text)) field.value = "";
    } else if (draft?.text && (field !== document.activeElement || !field.value)) {
      field.value = draft.text;
      if (kindOf(field) === "note" && !fields()[0].value) pick("note");
    }
    count(field);
  }
}

function pick(kind) {
  const choice = document.querySelector(`.composer input[name=kind][value=${kind}]`);
  if (choice) choice.checked = true;
}

document.addEventListener("input", (event) => {
  const field = event.target;
  if (!field.matches?.("textarea[data-draft]")) return;
  save(keyOf(field), { text: field.value, sent: false, before: [] });
  count(field);
});

document.addEventListener("submit", (event) => {
  const field = event.target.querySelector?.("textarea[data-draft]");
  if (!field) return;
  save(keyOf(field), { text: field.value, sent: true, before: entries(kindOf(field)).map((entry) => entry.id) });
}, true);

// ---- the counter -------------------------------------------------------------------------------------------------

function count(field) {
  const limit = Number(field.dataset.limit);
  const counter = document.getElementById("reply-counter");
  if (!limit || !counter) return;
  const left = limit - [...field.value].length;
  counter.textContent = String(left);
  counter.classList.toggle("is-near", left <= NEAR_LIMIT && left >= 0);
  counter.classList.toggle("is-over", left < 0);
  counter.setAttribute("aria-label", left < 0 ? gettext("%(n)s characters too many", { n: -left }) : gettext("%(n)s characters left", { n: left }));
  // Every keystroke spoken would be noise; the last twenty are worth it.
  counter.setAttribute("aria-live", left <= NEAR_LIMIT ? "polite" : "off");
}

// ---- what was seen -----------------------------------------------------------------------------------------------

// `seen` tells the server up to which message the agent has read. While nothing is written, what is shown is read.
function noticeNews() {
  const newest = document.querySelector(".timeline")?.dataset.newest;
  const seen = document.querySelector("#reply-form input[name=seen]");
  const field = document.getElementById("reply-text");
  if (!newest || !seen || !field || seen.value === newest) return;
  if (field.value.trim()) document.getElementById("reply-news").hidden = false;
  else seen.value = newest;
}

document.addEventListener("click", (event) => {
  if (!event.target.closest?.("[data-read-news]")) return;
  document.querySelector("#reply-form input[name=seen]").value = document.querySelector(".timeline").dataset.newest;
  document.getElementById("reply-news").hidden = true;
  const timeline = document.getElementById("timeline");
  timeline.scrollTop = timeline.scrollHeight;
  document.getElementById("reply-text").focus();
});

document.addEventListener("htmx:afterSwap", () => {
  noticeNews();
  settle();
});

dropOld();
settle();
