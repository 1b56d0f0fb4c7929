// Runs before the first paint, so that a chosen theme never flashes the other one.
// app.js owns the switch; this only applies what was chosen.
try {
  const chosen = localStorage.getItem("hubbub.theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // Storage is closed to us (private window): the system's theme is fine.
}
document.documentElement.classList.add("has-script");
