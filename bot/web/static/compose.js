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
  save(keyOf(field), { ...load(keyOf(field)), text: field.value, sent: false, before: [] });
  count(field);
});

document.addEventListener("submit", (event) => {
  const field = event.target.querySelector?.("textarea[data-draft]");
  if (!field) return;
  save(keyOf(field), { ...load(keyOf(field)), text: field.value, sent: true, before: entries(kindOf(field)).map((entry) => entry.id) });
}, true);

// What is on its way cannot be changed any more: letters that come too late would be an unsent draft of a sent text.
document.addEventListener("htmx:beforeSend", (event) => {
  const field = event.target.querySelector?.("textarea[data-draft]");
  if (!field || event.target !== field.form) return;
  field.readOnly = true;
  event.detail.xhr.addEventListener("loadend", () => (field.readOnly = false));
});

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
  const shown = document.querySelector(".timeline")?.dataset;
  const seen = document.querySelector("#reply-form input[name=seen]");
  const answer = document.querySelector("#reply-form input[name=seen_answer]");
  const field = document.getElementById("reply-text");
  if (!shown?.newest || !seen || !field) return;
  if (seen.value === shown.newest && answer.value === shown.newestAnswer) return;
  if (field.value.trim()) document.getElementById("reply-news").hidden = false;
  else readNews();
}

function readNews() {
  const shown = document.querySelector(".timeline").dataset;
  document.querySelector("#reply-form input[name=seen]").value = shown.newest;
  document.querySelector("#reply-form input[name=seen_answer]").value = shown.newestAnswer;
}

document.addEventListener("click", (event) => {
  if (!event.target.closest?.("[data-read-news]")) return;
  readNews();
  document.getElementById("reply-news").hidden = true;
  const timeline = document.getElementById("timeline");
  timeline.scrollTop = timeline.scrollHeight;
  document.getElementById("reply-text").focus();
});

document.addEventListener("htmx:afterSwap", () => {
  noticeNews();
  settle();
});

// ---- drafts on the server ----------------------------------------------------------------------------------------
//
// Beside the copy in this browser: what was typed is on another machine a second later, and what could not be sent
// there stays here until it can.

const WAIT_MS = 1000; // since the last keystroke
const TRY_AGAIN_MS = 15000;
const PATIENCE_MS = 10000;
const kindOnServer = (field) => (field.form.id === "note-form" ? "note" : "reply");
const timers = new WeakMap();
const calls = new WeakMap();
const tried = new WeakMap(); // what was on its way from here: it may have arrived although no answer came back

function show(field, text) {
  const place = field.form.querySelector("[data-draft-state]");
  if (place) place.textContent = text;
}

async function send(field, keepalive = false) {
  clearTimeout(timers.get(field));
  const key = keyOf(field);
  const draft = load(key);
  const text = field.value;
  if (draft?.sent || draft?.synced === text) return;
  const version = draft?.version ?? Number(field.dataset.version ?? 0);
  const call = new AbortController();
  const patience = setTimeout(() => call.abort(new DOMException("no answer", "TimeoutError")), PATIENCE_MS);
  calls.set(field, call);
  tried.set(field, (tried.get(field) ?? new Set()).add(text));
  try {
    const answer = await fetch(`/conversations/${field.closest("[data-conversation]").dataset.conversation}/draft`, {
      method: "POST",
      keepalive,
      signal: call.signal,
      headers: { "X-CSRF-Token": document.querySelector("meta[name=csrf-token]").content },
      body: new URLSearchParams({ kind: kindOnServer(field), text, version }),
    });
    if (answer.status === 409) return differ(field, await answer.json());
    if (!answer.ok) throw new Error(String(answer.status));
    const kept = await answer.json();
    field.dataset.version = String(kept.version);
    const now = load(key);
    if (now && !now.sent) save(key, { ...now, version: kept.version, synced: text });
    show(field, text.trim() ? gettext("Draft saved") : "");
  } catch (error) {
    if (error.name === "AbortError") return;
    show(field, gettext("Kept in this browser; it is saved as soon as Hubbub can be reached"));
    timers.set(field, setTimeout(send, TRY_AGAIN_MS, field));
  } finally {
    clearTimeout(patience);
  }
}

// ---- two tabs, two texts -----------------------------------------------------------------------------------------

// Nobody's words are overwritten: both texts are shown, and a person chooses.
function differ(field, other) {
  if (tried.get(field)?.delete(other.text)) {
    // It is no other tab, but an earlier text of this one whose answer was lost.
    save(keyOf(field), { ...load(keyOf(field)), version: other.version });
    return send(field);
  }
  const box = field.form.querySelector("[data-draft-other]");
  box.querySelector("[data-other-text]").textContent = other.text || gettext("(nothing: it was sent or discarded)");
  box.dataset.version = other.version;
  box.dataset.text = other.text;
  box.hidden = false;
  show(field, "");
}

function keep(field, text, version) {
  field.value = text;
  field.dataset.version = String(version);
  save(keyOf(field), { text, sent: false, before: [], version, synced: null });
  field.form.querySelector("[data-draft-other]").hidden = true;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
}

document.addEventListener("click", (event) => {
  const choice = event.target.closest?.("[data-use-other], [data-keep-mine]");
  if (!choice) return;
  const box = choice.closest("[data-draft-other]");
  const field = box.closest("form").querySelector("textarea[data-draft]");
  keep(field, choice.matches("[data-use-other]") ? box.dataset.text : field.value, Number(box.dataset.version));
});

// ---- when --------------------------------------------------------------------------------------------------------

document.addEventListener("input", (event) => {
  const field = event.target;
  if (!field.matches?.("textarea[data-draft]")) return;
  clearTimeout(timers.get(field));
  timers.set(field, setTimeout(send, WAIT_MS, field));
});

document.addEventListener("submit", (event) => {
  const field = event.target.querySelector?.("textarea[data-draft]");
  if (!field) return;
  clearTimeout(timers.get(field));
  calls.get(field)?.abort(); // sending forgets the draft; what is on its way must not bring it back
}, true);

// A page that opens: what this browser has not saved goes out, what another one saved since is taken over.
function meet() {
  for (const field of fields()) {
    const draft = load(keyOf(field));
    if (!draft?.text || draft.sent) continue;
    const version = Number(field.dataset.version ?? 0);
    const theirs = field.dataset.kept ?? "";
    if (draft.synced === draft.text && version > (draft.version ?? 0) && theirs) {
      field.value = theirs;
      save(keyOf(field), { ...draft, text: theirs, version, synced: theirs });
    } else if (draft.synced !== draft.text) send(field);
  }
}

const sendAll = () => fields().forEach((field) => send(field));
addEventListener("online", sendAll);
document.addEventListener("hubbub:back", sendAll);
addEventListener("pagehide", () => {
  for (const field of fields()) if (load(keyOf(field))?.text && !load(keyOf(field)).sent) send(field, true);
});
document.addEventListener("htmx:afterSwap", (event) => event.target.id === "work" && meet());

dropOld();
settle();
meet();
