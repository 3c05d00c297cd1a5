// The playlists, and the videos of one in their order.

import { Problem, get, path } from "./api.js";
import { fill, h } from "./dom.js";
import { count, webAddress } from "./format.js";
import { channelLink, empty, facts, heading, paged, pages, prose, titleOf, videoItem } from "./parts.js";
import { to } from "./route.js";

/** So many videos of a playlist are shown at once; each is asked for by itself. */
const AT_ONCE = 20;

export async function all({ main, signal }) {
  const none = empty("No playlists yet", "They come with archives of whole playlists.");
  const list = await paged({ load: pages(path`playlists`, {}, { signal }), show: playlistItem, name: "playlists", none, signal });
  fill(main, heading("Playlists"), list);
}

export function playlistItem(playlist) {
  return h(
    "li",
    { class: "item" },
    h("a", { class: "item-title", href: to("playlist", playlist.id) }, titleOf(playlist)),
    facts(count(playlist.video_count, "video"), playlist.channel_id && channelLink(playlist.channel_id)),
  );
}

export async function one({ main, id, signal }) {
  const playlist = await get(path`playlists/${id}`, {}, { signal });
  const site = webAddress(playlist.url);
  const load = async (cursor) => {
    const from = cursor ?? 0;
    const ids = playlist.videos.slice(from, from + AT_ONCE);
    const items = await Promise.all(ids.map((video) => videoOrId(video, signal)));
    return { items, next: from + AT_ONCE < playlist.videos.length ? from + AT_ONCE : null };
  };
  const none = empty("No videos in this playlist");
  const list = await paged({ load, show: entry, name: "videos", none, signal });
  fill(
    main,
    heading(
      titleOf(playlist),
      facts(
        count(playlist.videos.length, "video"),
        playlist.channel_id && channelLink(playlist.channel_id),
        site && h("a", { href: site.href, rel: "noreferrer" }, `At ${site.hostname}`),
      ),
    ),
    playlist.description && prose(playlist.description),
    list,
  );
}

/** A playlist may name videos that are not in the catalogue. */
async function videoOrId(id, signal) {
  try {
    return await get(path`videos/${id}`, {}, { signal });
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return id;
    throw error;
  }
}

function entry(video) {
  if (typeof video !== "string") return videoItem(video);
  return h("li", { class: "item" }, h("span", { class: "item-title quiet" }, video), facts("not in the catalogue"));
}
