// A video: its player if the file is here, and what was said in it.

import { get, path } from "./api.js";
import { fill, h } from "./dom.js";
import { at, count, day, duration, time, webAddress } from "./format.js";
import { channelLink, empty, facts, heading, prose, titleOf } from "./parts.js";
import { replace, to } from "./route.js";
import { player } from "./player.js";
import { transcriptPanel } from "./transcript.js";

export async function video({ main, id, signal, parameters }) {
  const [shown, transcripts, media] = await Promise.all([
    get(path`videos/${id}`, {}, { signal }),
    get(path`videos/${id}/transcripts`, { limit: 1000 }, { signal }),
    player(id, signal),
  ]);
  const site = webAddress(shown.url);
  const start = milliseconds(parameters.get("t"));
  const wanted = parameters.get("language");
  const languages = transcripts.items;
  const chosen = languages.find((item) => item.language === wanted) ?? preferred(languages);

  const here = (changes) => to("video", id, { ...Object.fromEntries(parameters), ...changes });
  const moment = {
    /** Where a moment is to be seen: at the site, or on this page. */
    address: (ms) => (!media && site ? at(site, ms) : here({ t: ms / 1000 })),
    isElsewhere: !media && site !== null,
    go: (ms) => {
      parameters.set("t", ms / 1000);
      replace(here({}));
      media?.seek(ms);
    },
  };
  const panel = chosen
    ? transcriptPanel({
        id, languages, language: chosen.language, query: parameters.get("q"), start, moment, media, signal,
        chosen: (changes) => {
          for (const [name, value] of Object.entries(changes)) value ? parameters.set(name, value) : parameters.delete(name);
          replace(here({}));
        },
      })
    : { element: empty("Nothing is written down", "There is no transcript of this video in the catalogue."), load: async () => {} };

  const beside = [media?.element, chapters(shown, moment), about(shown)].filter(Boolean);
  fill(
    main,
    heading(
      titleOf(shown),
      facts(
        shown.channel_id && channelLink(shown.channel_id),
        shown.published_at && h("time", { datetime: shown.published_at }, day(shown.published_at)),
        shown.duration_ms !== null && h("time", { datetime: duration(shown.duration_ms) }, time(shown.duration_ms)),
        shown.view_count !== null && count(shown.view_count, "view"),
        site && h("a", { href: start === null ? site.href : at(site, start), rel: "noreferrer" }, `Watch at ${site.hostname}`),
      ),
    ),
    h(
      "div",
      { class: beside.length > 0 ? "watch" : "watch alone" },
      beside.length > 0 && h("div", { class: "watch-main" }, beside),
      panel.element,
    ),
  );
  if (media && start !== null) media.seek(start, { play: false });
  await panel.load();
}

/** Seconds as an address has them; what is no time is none. */
function milliseconds(text) {
  const ms = Math.round(Number(text ?? NaN) * 1000);
  return Number.isFinite(ms) && ms >= 0 ? ms : null;
}

/** The language of the reader, or the first. */
function preferred(items) {
  const base = (tag) => tag.toLowerCase().split("-")[0];
  for (const wish of navigator.languages) {
    const found = items.find((item) => base(item.language) === base(wish));
    if (found) return found;
  }
  return items[0];
}

function chapters({ chapters }, moment) {
  if (chapters.length === 0) return null;
  const chapter = ({ start_ms: start, title }) => {
    const follow = (event) => {
      if (moment.isElsewhere || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      moment.go(start);
    };
    const link = { class: "cue", href: moment.address(start), rel: moment.isElsewhere && "noreferrer", onclick: follow };
    return h("li", {}, h("a", link, h("time", { datetime: duration(start) }, time(start)), h("span", {}, title || "Chapter")));
  };
  return h("section", { class: "chapters" }, h("h2", {}, "Chapters"), h("ol", { role: "list" }, chapters.map(chapter)));
}

function about({ description, tags, category_name: category, like_count: likes, comment_count: comments }) {
  const known = facts(category, likes !== null && count(likes, "like"), comments !== null && count(comments, "comment"));
  if (!description && tags.length === 0 && known.children.length === 0) return null;
  // On a small screen what was said comes first.
  return h(
    "details",
    { class: "about", open: matchMedia("(min-width: 62rem)").matches },
    h("summary", {}, h("h2", {}, "About")),
    description && prose(description),
    known.children.length > 0 && known,
    tags.length > 0 && h("ul", { class: "tags", role: "list", "aria-label": "Tags" }, tags.map((tag) => h("li", {}, tag))),
  );
}
