// Building elements. What comes from the catalogue only ever becomes text nodes and attributes, never markup.

/** An element: `on…` attributes are listeners, `true` is an empty attribute, `null` and `false` are none. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  add(element, children);
  return element;
}

/** Appends texts, nodes and lists of them; skips what is not there. */
export function add(element, children) {
  const all = [children].flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
  element.append(...all);
}

/** Replaces what an element holds. */
export function fill(element, ...children) {
  element.replaceChildren();
  add(element, children);
}

/** A text with <mark> around the places: byte ranges `[from, to]` of its UTF-8, in order. */
export function marked(text, places) {
  if (!places?.length) return [text];
  const bytes = new TextEncoder().encode(text);
  const decoder = new TextDecoder();
  const part = (from, to) => decoder.decode(bytes.subarray(from, to));
  const nodes = [];
  let end = 0;
  for (const [from, to] of places) {
    if (from > end) nodes.push(part(end, from));
    nodes.push(h("mark", {}, part(from, to)));
    end = to;
  }
  if (end < bytes.length) nodes.push(part(end, bytes.length));
  return nodes;
}

/** Tells people who do not see the page that something changed. */
export function announce(text) {
  document.getElementById("announcer").textContent = text;
}
