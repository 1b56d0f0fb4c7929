// Who else is here: tells colleagues that this page is open and that somebody types in it. WARNING: looking.py.

const PATIENCE_MS = 10000; // hanging requests would take the six connections that a browser allows
const BEAT_MS = 20000;
const TYPING_EVERY_MS = 3000;
const TYPING_FOR_MS = 5000;
let typedAt = -Infinity;
let toldAt = -Infinity;

const here = () => document.getElementById("work")?.dataset.conversation;

function tell(conversation, fields, keepalive = false) {
  const headers = { "X-CSRF-Token": document.querySelector("meta[name=csrf-token]").content };
  // Nobody misses it much: the next one comes in a few seconds.
  fetch(`/conversations/${conversation}/here`, { method: "POST", keepalive, signal: AbortSignal.timeout(PATIENCE_MS), headers, body: new URLSearchParams(fields) }).catch(() => {});
}

const typing = () => performance.now() - typedAt < TYPING_FOR_MS;

function beat() {
  if (!here() || document.visibilityState === "hidden") return;
  toldAt = performance.now();
  tell(here(), { typing: typing() ? "yes" : "" });
}

document.addEventListener("input", (event) => {
  if (!event.target.matches?.("textarea[data-draft]")) return;
  const began = !typing();
  typedAt = performance.now();
  if (began || typedAt - toldAt > TYPING_EVERY_MS) beat();
});

let wasTyping = false;
setInterval(() => {
  if (wasTyping && !typing()) beat();
  wasTyping = typing();
}, 1000);

addEventListener("pagehide", () => here() && tell(here(), { leaving: "yes" }, true));
document.addEventListener("visibilitychange", beat);
setInterval(beat, BEAT_MS);
beat();
