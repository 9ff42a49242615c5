// Elements. What comes from a trace is put in as text, never as markup.

const el = (tag, attributes, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
};

let serial = 0;
const newId = (what) => `${what}-${(serial += 1)}`;

const plural = (count, one, many) => `${count.toLocaleString("en")} ${count === 1 ? one : many || `${one}s`}`;

// "RFC 8446 §4.1.2" as a link that is followed only when somebody clicks on it.
const rfc = (text) => {
  const found = /^RFC (\d+) §([\w.]+)/.exec(text || "");
  if (!found) return el("span", { class: "rfc" }, text || "");
  const [, number, section] = found;
  const anchor = /^[A-Z]/.test(section) ? `appendix-${section}` : `section-${section}`;
  const href = `https://www.rfc-editor.org/rfc/rfc${number}#${anchor}`;
  return el("a", { class: "rfc", href, rel: "noreferrer noopener" }, text);
};

// A definition list of [name, value] pairs; pairs without a value are left out.
const facts = (pairs) => {
  const list = el("dl", { class: "facts" });
  for (const [name, ...values] of pairs) {
    if (values.every((value) => value === null || value === undefined || value === "" || value === false)) continue;
    list.append(el("div", {}, el("dt", {}, name), el("dd", {}, ...values)));
  }
  return list;
};

let areSecretsShown = false;
const MASK = "••••••••";

// A secret is in the document only while it is shown; `make` gives what to show.
const secret = (what, make) => {
  const node = el("span", { class: "secret" });
  node.draw = (isShown) => {
    const toggle = el("button", { type: "button", class: "show", "aria-label": `${isShown ? "Hide" : "Show"} ${what}`,
      onclick: () => { node.draw(!isShown); node.querySelector(".show").focus(); } }, isShown ? "hide" : "show");
    node.replaceChildren(isShown ? make() : el("span", { class: "mask", "aria-hidden": "true" }, MASK), " ", toggle);
    node.dataset.shown = isShown ? "yes" : "no";
  };
  node.draw(areSecretsShown);
  return node;
};
const showSecrets = (areShown) => {
  areSecretsShown = areShown;
  for (const node of document.querySelectorAll(".secret")) node.draw(areShown);
};
const code = (text) => el("code", { class: "hex" }, text);

const button = (text, onclick, attributes) => el("button", { type: "button", class: "link", onclick, ...attributes }, text);

// A part that is opened and closed, and built when it is opened first.
const folded = (title, build, attributes) => {
  const body = el("div", { class: "folded" });
  const details = el("details", { ...attributes }, el("summary", {}, title), body);
  details.fill = () => { if (!body.hasChildNodes()) body.append(...[build()].flat()); };
  details.addEventListener("toggle", () => { if (details.open) details.fill(); });
  return details;
};
