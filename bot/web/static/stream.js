// The live stream: one line to the house that comes back by itself, says when it is lost, and rests while nobody looks.
//
// htmx's extension sees one source that never closes. Left to itself it would wait up to a minute before it tries again,
// and a line that died without a word (a router, a machine that slept) would look alive for ever.

const LOST_AFTER_MS = 1500; // a stream that comes back at once is nobody's business
const SILENT_AFTER_MS = 25000; // WARNING: more than HEARTBEAT_SECONDS in bot/web/live.py
const NO_ANSWER_AFTER_MS = 8000;
const WAITS_MS = [500, 1000, 2000, 4000]; // between tries; then the last for ever
const PAUSE_HIDDEN_AFTER_MS = 20000; // browsers allow six connections to a host: hidden pages give theirs back

class Stream {
  readyState = EventSource.CONNECTING; // never closed: the extension would open another one
  #listeners = new Map();
  #last = "";
  #tries = 0;
  #timer = 0;
  #source = null;
  #heardAt = 0;

  constructor(url) {
    this.url = url;
    this.open();
  }

  open() {
    this.rest();
    const url = new URL(this.url, location.href);
    if (this.#last) url.searchParams.set("since", this.#last);
    this.#heardAt = Date.now(); // not performance.now(): that stands still while the machine sleeps
    this.#source = new EventSource(url);
    this.#source.onopen = (event) => {
      this.#tries = 0;
      this.#heardAt = Date.now();
      this.onopen?.(event);
    };
    this.#source.onerror = (event) => this.#lose(event);
    for (const name of ["hello", "beat", ...this.#listeners.keys()]) this.#source.addEventListener(name, this.#hear);
  }

  // Close the line and let nothing open it again but open().
  rest() {
    clearTimeout(this.#timer);
    this.#source?.close();
  }

  // A line that should have said something by now is dead, whatever the browser believes.
  check() {
    const patience = this.#source.readyState === EventSource.CONNECTING ? NO_ANSWER_AFTER_MS : SILENT_AFTER_MS;
    const waits = this.#source.readyState === EventSource.CLOSED;
    if (!waits && Date.now() - this.#heardAt > patience) this.#lose(new Event("error"));
  }

  #lose(event) {
    this.rest();
    const wait = WAITS_MS[Math.min(this.#tries++, WAITS_MS.length - 1)];
    // Thirty pages that were lost together do not come back together.
    this.#timer = setTimeout(() => this.open(), wait * (0.5 + Math.random() / 2));
    this.onerror?.(event);
  }

  #hear = (event) => {
    this.#heardAt = Date.now();
    this.#last = event.lastEventId || this.#last;
    for (const tell of [...(this.#listeners.get(event.type) ?? [])]) tell(event);
  };

  // ---- what htmx's extension asks of a source ----------------------------------------------------------------------

  addEventListener(name, tell) {
    if (!this.#listeners.has(name)) this.#listeners.set(name, new Set());
    this.#listeners.get(name).add(tell);
    this.#source.addEventListener(name, this.#hear);
  }

  removeEventListener(name, tell) {
    this.#listeners.get(name)?.delete(tell);
  }

  close() {
    this.rest();
  }
}

let stream = null;
// This script runs before htmx looks at the page.
htmx.createEventSource = (url) => (stream = new Stream(url));

// ---- what is said about it ---------------------------------------------------------------------------------------

const strip = document.getElementById("connection");
let lost = false;
let paused = false;
let lostTimer = 0;
let pauseTimer = 0;

function show(text, state) {
  if (!strip) return;
  strip.hidden = !text;
  strip.textContent = text;
  strip.dataset.state = state;
}

function showLost() {
  if (lost && !paused) show(gettext("Connection lost, catching up as soon as it is back. What you see may be old."), "lost");
}

function catchUp() {
  for (const part of document.querySelectorAll("[data-live]")) htmx.trigger(part, "catch-up");
  document.dispatchEvent(new CustomEvent("hubbub:back"));
}

document.addEventListener("htmx:sseOpen", () => {
  clearTimeout(lostTimer);
  if (!lost) return;
  lost = false;
  show(gettext("Connected again, catching up…"), "catching-up");
  catchUp();
  setTimeout(() => lost || show("", ""), 1500);
});

document.addEventListener("htmx:sseError", () => {
  // Counted from the first failure: a line that fails every second is lost too.
  if (!lost) lostTimer = setTimeout(showLost, LOST_AFTER_MS);
  lost = true;
});

setInterval(() => paused || stream?.check(), 2000);

addEventListener("offline", () => {
  lost = true;
  showLost();
});
addEventListener("online", () => paused || stream?.open());

// ---- while nobody looks ------------------------------------------------------------------------------------------

document.addEventListener("visibilitychange", () => {
  clearTimeout(pauseTimer);
  if (document.visibilityState === "hidden") {
    pauseTimer = setTimeout(() => {
      paused = stream !== null;
      stream?.rest();
    }, PAUSE_HIDDEN_AFTER_MS);
  } else if (paused) {
    paused = false;
    lost = true;
    stream.open();
  }
});
