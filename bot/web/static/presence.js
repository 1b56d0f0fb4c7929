// A sign of life from every open page, seen or not, and whether anybody touched it since the last one.

const PATIENCE_MS = 10000; // hanging requests would take the six connections that a browser allows
const BEAT_MS = 20000; // browsers stretch this to a minute in a hidden page, which is still often enough
const TOUCHES = ["keydown", "pointerdown", "pointermove", "wheel", "scroll", "focus"];

const dot = document.getElementById("own-presence");
let touched = document.visibilityState === "visible";

async function beat() {
  const form = new URLSearchParams({ csrf: document.querySelector("meta[name=csrf-token]").content });
  if (touched) form.set("touched", "yes");
  touched = false;
  try {
    const answer = await fetch("/presence/beat", { method: "POST", body: form, keepalive: true, signal: AbortSignal.timeout(PATIENCE_MS) });
    if (answer.ok) show((await answer.json()).presence);
  } catch {
    // The strip of the live stream says it when the connection is lost; the next beat tries again.
  }
}

function show(presence) {
  dot.className = `presence-dot is-${presence}`;
}

if (dot) {
  for (const kind of TOUCHES) {
    addEventListener(kind, () => { touched = true; }, { passive: true, capture: true });
  }
  // Who comes back to the desk is here at once.
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState !== "visible") return;
    touched = true;
    beat();
  });
  beat();
  setInterval(beat, BEAT_MS);
}
