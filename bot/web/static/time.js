// Clocks: countdowns by the server's time, and instants in the reader's own time zone.

const WARNING_MS = 5 * 60 * 1000; // the last five minutes of a promise
const serverNow = Date.parse(document.querySelector("meta[name=server-now]")?.content ?? "");
// performance.now() does not jump when somebody sets the machine's clock
const offset = Number.isNaN(serverNow) ? 0 : serverNow - performance.now();
const now = () => (offset ? offset + performance.now() : Date.now());

const exact = new Intl.DateTimeFormat(document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang, { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short" });

const two = (number) => String(number).padStart(2, "0");

/** The same words as `until` in bot/web/shell.py. WARNING: change both. */
export function until(milliseconds) {
  const seconds = Math.floor(Math.abs(milliseconds) / 1000);
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const clock = hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
  return milliseconds >= 0 ? gettext("in %(clock)s", { clock }) : gettext("%(clock)s late", { clock });
}

/** The same words as `ago` in bot/web/shell.py. WARNING: change both. */
export function ago(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds >= 86400) return gettext("%(n)s d ago", { n: Math.floor(seconds / 86400) });
  if (seconds >= 3600) return gettext("%(n)s h ago", { n: Math.floor(seconds / 3600) });
  if (seconds >= 60) return gettext("%(n)s min ago", { n: Math.floor(seconds / 60) });
  return gettext("just now");
}

export function phaseOf(milliseconds) {
  if (milliseconds < 0) return "late";
  return milliseconds <= WARNING_MS ? "warning" : "calm";
}

// ---- countdowns --------------------------------------------------------------------------------------------------

const phases = new Map(); // what was last said about each clock, over swaps
const WORDS = { warning: gettext("less than five minutes left"), late: gettext("late") };

function nameOf(clock) {
  const row = clock.closest("[data-row]");
  if (row) return { key: row.id, name: row.querySelector(".row-name")?.textContent ?? "" };
  return { key: "open", name: gettext("This conversation") };
}

function tick() {
  const changed = new Map();
  for (const clock of document.querySelectorAll("[data-countdown]")) {
    const left = Date.parse(clock.dateTime) - now();
    const phase = phaseOf(left);
    clock.textContent = until(left);
    for (const one of ["calm", "warning", "late"]) clock.classList.toggle(`is-${one}`, one === phase);
    const { key, name } = nameOf(clock);
    const before = phases.get(key);
    phases.set(key, phase);
    if (before && before !== phase && WORDS[phase]) changed.set(name, WORDS[phase]);
  }
  if (changed.size) announce(changed);
}

// Changes of state are said, seconds are not.
function announce(changed) {
  const place = document.getElementById("announcer");
  if (!place) return;
  const lines = [...changed].map(([name, words]) => gettext("%(name)s: %(words)s.", { name, words }));
  place.textContent = lines.length > 3 ? gettext("%(n)s conversations are running out of time.", { n: lines.length }) : lines.join(" ");
}

// ---- instants ----------------------------------------------------------------------------------------------------

function localise() {
  for (const place of document.querySelectorAll("time[data-ago]")) {
    place.textContent = ago(now() - Date.parse(place.dateTime));
    place.title = exact.format(new Date(place.dateTime));
  }
  for (const place of document.querySelectorAll("time[data-clock]")) {
    place.textContent = exact.format(new Date(place.dateTime));
  }
}

function refresh() {
  tick();
  localise();
}

refresh();
setInterval(tick, 1000);
setInterval(localise, 30000);
document.addEventListener("htmx:afterSwap", refresh);
document.addEventListener("htmx:oobAfterSwap", refresh);
document.addEventListener("visibilitychange", refresh);

// Moments in words are read in the reader's own time zone. WARNING: ZONE_COOKIE in bot/inbox/moments.py.
document.cookie = `hubbub_zone=${Intl.DateTimeFormat().resolvedOptions().timeZone}; path=/; max-age=31536000; samesite=lax`;
