// What was said: cues to read, to go to, and to search, which follow the player.

import { get, path } from "./api.js";
import { announce, fill, h, marked } from "./dom.js";
import { KINDS, count, duration, language as languageName, time } from "./format.js";
import { choice, failure } from "./parts.js";

/** After a person scrolled, the list stays there for that long. */
const HANDS_OFF_MS = 4_000;

export function transcriptPanel({ id, languages, language, query, start, moment, media, signal, chosen }) {
  let cues = [];
  let links = [];
  let current = -1; // the cue that Tab leads to
  let spoken = -1; // the cue at which the player is, or which was gone to
  let matches = [];
  let touched = -Infinity;

  const list = h("ol", { class: "cues", role: "list", "aria-label": "What was said", onkeydown: keys });
  const body = h("div", { class: "cues-box" }, list);
  const note = h("p", { class: "quiet transcript-note" });
  const pick = h("div", {}, choice("Language", Object.fromEntries(languages.map((item) => [item.language, languageName(item.language)])), language, (event) => {
    language = event.target.value;
    chosen({ language });
    load();
  }));
  const follows = h("input", { type: "checkbox", checked: true });
  const find = h("input", { type: "search", id: "find", value: query ?? "", autocomplete: "off", spellcheck: "false", "aria-describedby": "matches" });
  const found = h("span", { id: "matches", class: "quiet matches", role: "status" });
  const [previous, next] = [["Previous", -1], ["Next", 1]].map(([text, by]) =>
    h("button", { type: "button", "aria-label": `${text} place`, hidden: true, onclick: () => step(by) }, by < 0 ? "↑" : "↓"));
  const form = h(
    "form",
    { class: "find", role: "search", "aria-label": "In this transcript", onsubmit: (event) => { event.preventDefault(); matches.length ? step(1) : lookFor(); } },
    h("label", { for: "find" }, "Find here"),
    h("div", { class: "find-field" }, find, previous, next),
    found,
  );
  const element = h(
    "section",
    { class: "transcript", "aria-labelledby": "transcript-title" },
    h("h2", { id: "transcript-title" }, "Transcript"),
    h("div", { class: "transcript-tools" }, pick, media && h("label", { class: "check" }, follows, h("span", {}, "Follow the player")), form),
    note,
    body,
  );
  let asked = new AbortController();
  find.addEventListener("input", lookFor);
  for (const event of ["wheel", "touchmove", "pointerdown"]) body.addEventListener(event, () => { touched = performance.now(); }, { passive: true });
  media?.follow((ms) => {
    const index = spokenAt(ms);
    if (index === spoken || index < 0) return;
    say(index);
    if (!list.contains(document.activeElement)) select(index);
    if (follows.checked && performance.now() - touched > HANDS_OFF_MS) reveal(index);
  }, signal);

  return { element, load };

  async function load() {
    fill(note, "");
    try {
      const transcript = await get(path`videos/${id}/transcripts/${language}`, {}, { signal });
      cues = transcript.cues;
      fill(note, `${count(cues.length, "passage")}, ${KINDS[transcript.kind] ?? transcript.kind}`);
      media?.caption(cues, language, languageName(language));
      [current, spoken] = [-1, -1];
      links = cues.map(link);
      list.setAttribute("lang", language);
      fill(list, links.map((one) => h("li", {}, one)));
      if (cues.length === 0) return fill(note, "This transcript is empty.");
      if (start === null) return select(0), lookFor();
      const index = Math.max(spokenAt(start), 0);
      start = null;
      select(index);
      say(index);
      reveal(index);
      links[index].focus({ preventScroll: true });
      return lookFor();
    } catch (error) {
      if (!signal.aborted) fill(list, h("li", {}, failure(error, load)));
    }
    return undefined;
  }

  function link(cue, index) {
    return h(
      "a",
      {
        class: "cue", tabindex: "-1", href: moment.address(cue.start_ms), rel: moment.isElsewhere && "noreferrer",
        onclick: (event) => go(event, index),
      },
      h("time", { datetime: duration(cue.start_ms) }, time(cue.start_ms)),
      h("span", { dir: "auto" }, cue.text),
    );
  }

  function go(event, index) {
    select(index);
    say(index);
    if (moment.isElsewhere || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    touched = -Infinity;
    moment.go(cues[index].start_ms);
  }

  /** Of the cues that have begun, the one that began last. Files hold cues that overlap or are out of order. */
  function spokenAt(ms) {
    let best = -1;
    cues.forEach((cue, i) => {
      if (cue.start_ms <= ms && (best < 0 || cue.start_ms >= cues[best].start_ms)) best = i;
    });
    return best;
  }

  /** One cue alone is reached by Tab; from there the arrow keys lead to the others. */
  function select(index) {
    links[current]?.setAttribute("tabindex", "-1");
    current = index;
    links[index].setAttribute("tabindex", "0");
  }

  function say(index) {
    links[spoken]?.removeAttribute("aria-current");
    spoken = index;
    links[index].setAttribute("aria-current", "true");
  }

  /** Scrolls the list alone, if it is a box of its own; else the page, if the cue is not in sight. */
  function reveal(index) {
    const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
    const [one, box] = [links[index].getBoundingClientRect(), body.getBoundingClientRect()];
    if (body.scrollHeight > body.clientHeight + 1) {
      body.scrollTo({ top: body.scrollTop + one.top - box.top - (box.height - one.height) / 3, behavior });
    } else if (one.top < 0 || one.bottom > innerHeight) links[index].scrollIntoView({ block: "center", behavior });
  }

  function keys(event) {
    const last = links.length - 1;
    const to = { ArrowDown: current + 1, ArrowUp: current - 1, PageDown: current + 10, PageUp: current - 10, Home: 0, End: last };
    if (!(event.key in to) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const index = Math.min(Math.max(to[event.key], 0), last);
    touched = performance.now();
    select(index);
    links[index].focus({ preventScroll: true });
    links[index].scrollIntoView({ block: "nearest" });
  }

  /** Asks the service what of the transcript a query finds: it knows more of words than a page. */
  async function lookFor() {
    asked.abort();
    asked = new AbortController();
    const mine = AbortSignal.any([signal, asked.signal]);
    const words = find.value.trim();
    chosen({ q: words });
    try {
      const answer = words ? await get(path`search`, { q: words, video: id, language }, { signal: mine }) : { hits: [] };
      mark(answer.hits.find((hit) => hit.language === language)?.cues ?? []);
      fill(found, words ? (matches.length ? count(matches.length, "place") : "Nothing found") : "");
    } catch (error) {
      if (mine.aborted) return;
      mark([]);
      fill(found, error.message);
    }
  }

  function mark(places) {
    const key = (cue) => `${cue.start_ms} ${cue.end_ms} ${cue.text}`;
    const highlights = new Map(places.map((cue) => [key(cue), cue.highlights]));
    for (const index of matches) fill(links[index].lastChild, cues[index].text);
    matches = [];
    cues.forEach((cue, i) => {
      const ranges = highlights.size ? highlights.get(key(cue)) : null;
      if (!ranges) return;
      matches.push(i);
      fill(links[i].lastChild, marked(cue.text, ranges));
    });
    previous.hidden = next.hidden = matches.length === 0;
  }

  /** To the next place that was found, or the one before; round the end. */
  function step(by) {
    const ahead = by > 0 ? matches.find((i) => i > current) : matches.findLast((i) => i < current);
    const index = ahead ?? (by > 0 ? matches[0] : matches.at(-1));
    touched = performance.now();
    select(index);
    reveal(index);
    for (const i of matches) links[i].classList.toggle("here", i === index);
    announce(`${time(cues[index].start_ms)}: ${cues[index].text}`);
  }
}
