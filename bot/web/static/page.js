// What every page has: theme, menus, dialogs, confirmations, toasts. Everything is delegated, so that swapped parts just work.

const THEMES = { system: gettext("as the system"), light: gettext("light"), dark: gettext("dark") };

function chosenTheme() {
  return document.documentElement.dataset.theme ?? "system";
}

function showTheme() {
  for (const place of document.querySelectorAll("[data-theme-name]")) place.textContent = THEMES[chosenTheme()];
}

function nextTheme() {
  const order = Object.keys(THEMES);
  const next = order[(order.indexOf(chosenTheme()) + 1) % order.length];
  if (next === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  try {
    if (next === "system") localStorage.removeItem("hubbub.theme");
    else localStorage.setItem("hubbub.theme", next);
  } catch {
    // Storage is closed to us: the choice lasts for this page.
  }
  showTheme();
}

function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open], details.why[open]")) {
    if (!menu.contains(except)) menu.open = false;
  }
}

function toast(box, level) {
  document.getElementById("toasts")?.append(box);
  setTimeout(() => box.remove(), level === "error" || level === "warning" ? 20000 : 6000);
}

function say(text, level) {
  const box = document.createElement("div");
  box.className = `flash is-${level}`;
  box.textContent = text;
  toast(box, level);
}

// Where panes fill the window, a word about what was done must not push them down.
function liftFlashes() {
  if (!document.querySelector(".desk")) return;
  for (const box of document.querySelectorAll("#flashes .flash")) toast(box, box.dataset.level);
}

document.addEventListener("click", (event) => {
  const at = event.target instanceof Element ? event.target : document.body;
  closeMenus(at);
  if (at.closest("[data-theme-switch]")) nextTheme();
  const opener = at.closest("[data-dialog]");
  if (opener) {
    closeMenus(null);
    document.getElementById(opener.dataset.dialog)?.showModal();
  }
  at.closest("#toasts .flash")?.remove();
  // A click on the backdrop lands on the dialog itself.
  if (at instanceof HTMLDialogElement) at.close();
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.querySelector("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

// An opened menu takes the focus to its first choice, so that `s` or `h` and Enter are enough.
document.addEventListener(
  "toggle",
  (event) => {
    const menu = event.target;
    if (menu instanceof HTMLDetailsElement && menu.matches(".menu") && menu.open) {
      // Who came by the key of something inside stands there already.
      if (menu.querySelector(".menu-body")?.contains(document.activeElement)) return;
      menu.querySelector(".menu-body :is(button, select, input:not([type=hidden]), a)")?.focus();
    }
  },
  true,
);

document.addEventListener("submit", (event) => {
  const question = event.target.dataset?.confirm;
  if (question && !confirm(question)) event.preventDefault();
}, true);

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit-on-change]")) event.target.form.requestSubmit();
});

document.addEventListener("hubbub:toast", (event) => say(event.detail.text, event.detail.level ?? "info"));
document.addEventListener("htmx:afterSettle", liftFlashes);

showTheme();
liftFlashes();
