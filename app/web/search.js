// Searching as one types, and what was published last.

import { get, path } from "./api.js";
import { announce, fill, h, marked } from "./dom.js";
import { count, duration, language, number, time } from "./format.js";
import { channelLink, choice, empty, failure, facts, paged, pages, videoItem } from "./parts.js";
import { replace, to } from "./route.js";

/** As long as that, letters that follow each other are one query. */
const PAUSE_MS = 80;

const ORDERS = { relevance: "Best first", newest: "Newest first", oldest: "Oldest first" };

const HELP = [
  ["black hole", "both words, in any order, near each other"],
  ['"black hole"', "the words as a phrase"],
  ["astro*", "words that begin so"],
  ["tea OR coffee", "one of the two; OR in capitals"],
  ["hole -black", "without a word, a phrase or a group"],
  ["(hot tea) OR coffee", "a group"],
  ["tea title:china", "only where the title has the word"],
  ['tea channel:"Tea and Milk"', "in one channel, by id, handle or name"],
  ["tea lang:en", "in transcripts of one language"],
  ["tea kind:manual", "by people, not by machines: also automatic, translated"],
  ["tea after:2020-05 before:2021", "published from then on, and until then"],
];

export async function search({ main, signal, parameters }) {
  const query = h("input", {
    type: "search", id: "query", name: "q", value: parameters.get("q") ?? "", autocomplete: "off", autocapitalize: "off",
    spellcheck: "false", enterkeyhint: "search", maxlength: "1000", "aria-describedby": "outcome",
    placeholder: "Words, “phrase”",
  });
  const order = choice("Order", ORDERS, parameters.get("order") ?? "relevance", () => find());
  const outcome = h("p", { id: "outcome", class: "outcome" });
  const results = h("div", { class: "results" });
  const form = h(
    "form",
    { role: "search", class: "search", onsubmit: (event) => { event.preventDefault(); find(); } },
    h("label", { for: "query", class: "unseen" }, "Search what was said"),
    h("div", { class: "search-field" }, query, h("button", { type: "submit", class: "primary" }, "Search")),
    h("div", { class: "search-options" }, order, help()),
  );
  fill(main, h("div", { class: "hero" }, h("h1", { tabindex: "-1" }, "Where was it said?"), form), outcome, results);
  scrollTo(0, 0);
  if (matchMedia("(hover: hover)").matches) query.focus({ preventScroll: true });

  let earlier = new AbortController();
  let pause = 0;
  query.addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(find, PAUSE_MS);
  });
  query.addEventListener("keydown", (event) => {
    const first = results.querySelector("a");
    if (event.key === "ArrowDown" && first) {
      event.preventDefault();
      first.focus();
    }
  });
  await find();

  async function find() {
    clearTimeout(pause);
    earlier.abort();
    const mine = (earlier = new AbortController());
    const both = AbortSignal.any([signal, mine.signal]);
    const asked = { q: query.value.trim(), order: order.querySelector("select").value };
    query.removeAttribute("aria-invalid");
    replace(to("search", null, { q: asked.q, order: asked.order === "relevance" ? null : asked.order }));
    main.setAttribute("aria-busy", "true");
    try {
      const shown = asked.q ? await hits(asked, both) : await latest(both);
      fill(outcome, shown.outcome);
      outcome.classList.remove("problem-line");
      fill(results, shown.results);
      if (asked.q) announce(shown.outcome || "Nothing was found");
    } catch (error) {
      if (both.aborted) return;
      // While one types, a query is often not yet one: no alarm.
      const isQuery = error.status === 400 && error.field === "q";
      fill(outcome, isQuery ? sentence(error.message) : "");
      outcome.classList.toggle("problem-line", isQuery);
      if (isQuery) {
        query.setAttribute("aria-invalid", "true");
        announce(outcome.textContent);
        fill(results);
      } else fill(results, failure(error, find));
    }
    if (!both.aborted) main.removeAttribute("aria-busy");
  }
}

async function hits(asked, signal) {
  let [latest, total, isAll] = [null, 0, true];
  const load = async (cursor) => {
    const page = await get(path`search`, { ...asked, cursor }, { signal });
    latest = page.among_latest;
    total += page.hits.length;
    isAll = page.next_cursor === null;
    return { items: page.hits, next: page.next_cursor };
  };
  const none = empty(
    "Nothing was found",
    "Try fewer words, the beginning of a word with a *, or another spelling. Accents and capitals do not count.",
  );
  const show = (hit) => hitItem(hit, asked.q);
  const results = await paged({ load, show, name: "places", none, signal });
  if (total === 0) return { outcome: "", results };
  const found = isAll ? `Found in ${count(total, "place")}` : `The first ${number(total)} places`;
  const bound = latest && `; the words are so common that only the latest ${number(latest)} passages were looked at`;
  return { outcome: found + (bound ?? ""), results };
}

function hitItem(hit, query) {
  const address = (cue) => to("video", hit.video_id, { language: hit.language, q: query, t: cue && cue.start_ms / 1000 });
  return h(
    "li",
    { class: "item hit" },
    h("a", { class: "item-title", href: address(null) }, marked(hit.title || hit.video_id, hit.title_highlights)),
    facts(hit.channel_id && channelLink(hit.channel_id), hit.language ? language(hit.language) : "title and description"),
    hit.description && h("p", { class: "excerpt" }, marked(hit.description.text, hit.description.highlights)),
    hit.cues.length > 0 && h("ol", { class: "found", role: "list" }, hit.cues.map((cue) => foundCue(cue, address(cue), hit.language))),
  );
}

function foundCue(cue, href, lang) {
  return h(
    "li",
    {},
    h(
      "a",
      { class: "cue", href },
      h("time", { datetime: duration(cue.start_ms) }, time(cue.start_ms)),
      h("span", { lang, dir: "auto" }, marked(cue.text.replaceAll("\n", " "), cue.highlights)),
    ),
  );
}

async function latest(signal) {
  const none = empty(
    "The catalogue is empty",
    "Take an archive of yt-dlp in: ", h("a", { href: to("import") }, "import one here"), ", or by ", h("code", {}, "tubeatlas import FOLDER"), ".",
  );
  const load = pages(path`videos`, { order: "newest", limit: 20 }, { signal });
  const results = await paged({ load, show: (video) => videoItem(video), name: "videos", none, signal });
  return { outcome: results === none ? "" : "Published last", results };
}

function help() {
  const example = ([query, meaning]) =>
    h("tr", {}, h("td", {}, h("a", { href: to("search", null, { q: query }) }, h("code", {}, query))), h("td", {}, meaning));
  return h(
    "details",
    { class: "help" },
    h("summary", {}, "How to ask"),
    h(
      "table",
      {},
      h("caption", { class: "unseen" }, "What a query may be"),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Query"), h("th", { scope: "col" }, "Finds"))),
      h("tbody", {}, HELP.map(example)),
    ),
    h("p", {}, "A space means and. Case and accents do not count. There are no syntax errors: what means nothing is words."),
  );
}

function sentence(text) {
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
}
