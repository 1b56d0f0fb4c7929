// An @ in a note offers colleagues: arrows move, Enter or Tab takes, Escape closes. Without scripts one types the name.

const list = () => document.getElementById("mention-options");
let asked = 0;

function begun(field) {
  const before = field.value.slice(0, field.selectionStart);
  const found = /(?<![\p{L}\p{N}_])[@＠]([\p{L}\p{N}._-]{0,30})$/u.exec(before);
  return found ? { typed: found[1], start: field.selectionStart - found[1].length } : null;
}

function close(field) {
  asked += 1;
  const options = list();
  if (options) options.hidden = true;
  field?.removeAttribute("aria-activedescendant");
  field?.setAttribute("aria-expanded", "false");
}

async function offer(field) {
  const at = begun(field);
  if (!at) return close(field);
  const mine = ++asked;
  const answer = await fetch(`/colleagues/options?q=${encodeURIComponent(at.typed)}`).catch(() => null);
  if (mine !== asked || !answer?.ok) return;
  const options = list();
  options.innerHTML = await answer.text();
  if (!options.querySelector("[role=option]")) return close(field);
  options.hidden = false;
  field.setAttribute("aria-expanded", "true");
  choose(field, options.querySelector("[role=option]"));
}

function choose(field, option) {
  for (const one of list().querySelectorAll("[role=option]")) one.setAttribute("aria-selected", String(one === option));
  field.setAttribute("aria-activedescendant", option.id);
  option.scrollIntoView({ block: "nearest" });
}

function take(field, option) {
  const at = begun(field);
  if (!at) return close(field);
  field.setRangeText(`${option.dataset.insert} `, at.start, field.selectionStart, "end");
  close(field);
  field.focus();
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

document.addEventListener("input", (event) => {
  if (event.target.matches?.("textarea[data-mentions]")) offer(event.target);
});

document.addEventListener("keydown", (event) => {
  const field = event.target;
  const options = list();
  if (!field.matches?.("textarea[data-mentions]") || !options || options.hidden || event.isComposing) return;
  const all = [...options.querySelectorAll("[role=option]")];
  const at = all.findIndex((one) => one.getAttribute("aria-selected") === "true");
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) choose(field, all[(at + step + all.length) % all.length]);
  else if ((event.key === "Enter" && !event.ctrlKey && !event.metaKey) || event.key === "Tab") take(field, all[Math.max(0, at)]);
  else if (event.key === "Escape") close(field);
  else return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, true);

document.addEventListener("mousedown", (event) => {
  const option = event.target.closest?.("#mention-options [role=option]");
  if (!option) return;
  event.preventDefault();
  take(document.querySelector("textarea[data-mentions]"), option);
});

document.addEventListener("focusout", (event) => event.target.matches?.("textarea[data-mentions]") && close(event.target));
