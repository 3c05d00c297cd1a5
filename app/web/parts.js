// What several views are made of.

import { Problem, get, path } from "./api.js";
import { add, announce, fill, h } from "./dom.js";
import { day, number, time } from "./format.js";
import { to } from "./route.js";

/** The heading of a view; it has the focus when the view is shown. */
export function heading(text, ...below) {
  return h("header", { class: "heading" }, h("h1", { tabindex: "-1" }, text), below);
}

/** What to say where there is nothing. */
export function empty(title, ...text) {
  return h("div", { class: "empty" }, h("p", { class: "empty-title" }, title), text.length ? h("p", {}, text) : null);
}

/** What went wrong, with what, and a way on. */
export function failure(error, again = null, subject = "") {
  const problem = error instanceof Problem ? error : new Problem(0, { detail: `The page has a fault: ${error.message}` });
  const titles = { 0: "That did not work", 401: "A token is needed", 403: "That is not allowed", 404: "There is nothing here" };
  return h(
    "div",
    { class: "failure", role: "alert" },
    h("p", { class: "empty-title" }, titles[problem.status] ?? "That did not work"),
    h("p", {}, subject, problem.message),
    problem.requestId && h("p", { class: "quiet" }, "Request ", h("code", {}, problem.requestId)),
    problem.status === 404 && h("a", { href: to("search") }, "To the search"),
    again && problem.status !== 404 && h("button", { type: "button", onclick: again }, "Try again"),
  );
}

/** A list that goes on by cursor: `load(cursor)` answers `{items, next}`, `show(item)` an <li>. */
export async function paged({ load, show, name, none, signal }) {
  const list = h("ol", { class: "list", role: "list" });
  const box = h("div", {}, list);
  const next = async (cursor) => {
    const page = await load(cursor);
    const shown = page.items.map(show);
    add(list, shown);
    if (cursor) {
      announce(`${number(shown.length)} more ${name}`);
      shown[0]?.querySelector("a, button")?.focus();
    }
    if (page.next) add(box, more(page.next));
  };
  const more = (cursor) => {
    const button = h("button", { type: "button", class: "more" }, `More ${name}`);
    button.onclick = async () => {
      button.disabled = true;
      try {
        await next(cursor);
        button.remove();
      } catch (error) {
        if (signal.aborted) return;
        button.replaceWith(failure(error, (event) => event.target.closest(".failure").replaceWith(more(cursor))));
      }
    };
    return button;
  };
  await next(null);
  return list.children.length ? box : none;
}

/** `load` for a list of the service. */
export function pages(address, parameters, { signal }) {
  return async (cursor) => {
    const { items, next_cursor: next } = await get(address, { ...parameters, cursor }, { signal });
    return { items, next };
  };
}

/** What names a thing: its title, or else its id. */
export const titleOf = (thing) => thing.title || thing.id;

const channels = new Map();

/** The title of a channel, asked for once. */
function channelTitle(id) {
  if (!channels.has(id)) {
    const asked = get(path`channels/${id}`).then(titleOf);
    asked.catch(() => channels.delete(id));
    channels.set(id, asked);
  }
  return channels.get(id);
}

/** A link to a channel; it is called by its id until its title is known. */
export function channelLink(id) {
  const link = h("a", { href: to("channel", id) }, id);
  channelTitle(id).then((title) => fill(link, title), () => {});
  return link;
}

/** Facts in a row, with dots between them. */
export function facts(...items) {
  const given = items.flat().filter((item) => item !== null && item !== undefined && item !== false && item !== "");
  return h("ul", { class: "facts", role: "list" }, given.map((item) => h("li", {}, item)));
}

/** A video in a list. */
export function videoItem(video, { channel = true } = {}) {
  return h(
    "li",
    { class: "item" },
    h("a", { class: "item-title", href: to("video", video.id) }, titleOf(video)),
    facts(
      channel && video.channel_id && channelLink(video.channel_id),
      video.published_at && h("time", { datetime: video.published_at }, day(video.published_at)),
      video.duration_ms !== null && time(video.duration_ms),
    ),
  );
}

/** A text of several lines, in which addresses of the web are links. */
export function prose(text) {
  const words = text.split(/(https?:\/\/[^\s<>"]*[^\s<>".,;:!?)\]])/);
  const nodes = words.map((word, i) => (i % 2 ? h("a", { href: word, rel: "noreferrer" }, word) : word));
  return h("p", { class: "prose" }, nodes);
}

/** A <select> under its label. */
export function choice(label, options, chosen, onchange, attributes = {}) {
  const shown = Object.entries(options).map(([value, text]) => h("option", { value, selected: value === chosen }, text));
  return h("label", { class: "choice" }, h("span", {}, label), h("select", { ...attributes, onchange }, shown));
}
