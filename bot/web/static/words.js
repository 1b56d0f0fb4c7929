// The words of scripts, in the language of the page: gettext("in %(clock)s", { clock }). English is text and key, as in
// bot/web/translations.py; other languages bring what they need in #script-words. It runs before all other scripts.

const words = JSON.parse(document.getElementById("script-words")?.textContent ?? "{}");
const fill = (text, values) => text.replace(/%\((\w+)\)s/g, (hole, name) => values[name] ?? hole);
const plural = new Intl.PluralRules(document.documentElement.lang);

globalThis.gettext = (text, values = {}) => fill(words[text] ?? text, values);

globalThis.ngettext = (one, many, num, values = {}) => {
  // Languages with more than two forms order them as Intl names them: one, few, many, other.
  const forms = words[one] ?? [one, many];
  const order = plural.resolvedOptions().pluralCategories;
  return fill(forms[order.indexOf(plural.select(num))] ?? forms.at(-1), { num, ...values });
};
