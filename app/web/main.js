// The page: shows the view that the address names, and keeps the focus where people expect it.

import { Problem } from "./api.js";
import { announce, fill, h } from "./dom.js";
import { failure } from "./parts.js";
import { route } from "./route.js";
import * as channels from "./channels.js";
import * as health from "./health.js";
import * as imports from "./imports.js";
import * as playlists from "./playlists.js";
import * as search from "./search.js";
import * as tasks from "./tasks.js";
import * as video from "./video.js";

// Each fills `main` as soon as it has something to show; what it began ends with `signal`.
const VIEWS = {
  search: search.search,
  video: video.video,
  channels: channels.all,
  channel: channels.one,
  playlists: playlists.all,
  playlist: playlists.one,
  tasks: tasks.tasks,
  import: imports.imports,
  health: health.health,
};
// Where in the navigation what only has an address belongs.
const SECTIONS = { video: "search", channel: "channels", playlist: "playlists" };

const main = document.getElementById("main");
const nav = document.querySelector("nav");
let current = new AbortController();

async function show(isFirst) {
  current.abort();
  const { signal } = (current = new AbortController());
  const here = route();
  for (const link of nav.querySelectorAll("a")) {
    const isHere = (link.hash.slice(2) || "search") === (SECTIONS[here.view] ?? here.view);
    link.toggleAttribute("aria-current", isHere);
    if (isHere) link.setAttribute("aria-current", "page");
  }
  const again = () => show(false);
  main.setAttribute("aria-busy", "true");
  try {
    const view = VIEWS[here.view];
    if (!view) throw new Problem(404, { detail: "The page has no view of this name." });
    await view({ ...here, main, signal, again });
  } catch (error) {
    if (signal.aborted) return;
    fill(main, h("h1", { class: "unseen", tabindex: "-1" }, error.status === 404 ? "Not found" : "Trouble"), failure(error, again));
  }
  if (signal.aborted) return;
  main.removeAttribute("aria-busy");
  const title = main.querySelector("h1")?.textContent;
  document.title = title && here.view !== "search" ? `${title} · Tubeatlas` : "Tubeatlas";
  if (!isFirst) {
    announce(document.title);
    // A view may have put the focus where it matters most.
    if (!main.contains(document.activeElement)) {
      scrollTo(0, 0);
      (main.querySelector("h1") ?? main).focus({ preventScroll: true });
    }
  }
}

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
nav.hidden = false;
addEventListener("hashchange", () => show(false));
show(true);
