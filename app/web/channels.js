// The channels, and the videos and playlists of one.

import { get, path } from "./api.js";
import { fill, h } from "./dom.js";
import { webAddress } from "./format.js";
import { empty, facts, heading, paged, pages, titleOf, videoItem } from "./parts.js";
import { to } from "./route.js";
import { playlistItem } from "./playlists.js";

export async function all({ main, signal }) {
  const show = (channel) =>
    h("li", { class: "item" }, h("a", { class: "item-title", href: to("channel", channel.id) }, titleOf(channel)), facts(channel.handle));
  const none = empty("No channels yet", "They come with the first import.");
  const list = await paged({ load: pages(path`channels`, {}, { signal }), show, name: "channels", none, signal });
  fill(main, heading("Channels"), list);
}

export async function one({ main, id, signal }) {
  const channel = await get(path`channels/${id}`, {}, { signal });
  const site = webAddress(channel.url);
  const load = pages(path`videos`, { channel: id, order: "newest", limit: 30 }, { signal });
  const none = empty("No videos of this channel", "Those that were deleted are not shown.");
  const show = (video) => videoItem(video, { channel: false });
  const [videos, playlists] = await Promise.all([
    paged({ load, show, name: "videos", none, signal }),
    paged({ load: pages(path`playlists`, { channel: id }, { signal }), show: playlistItem, name: "playlists", none: null, signal }),
  ]);
  fill(
    main,
    heading(titleOf(channel), facts(channel.handle, site && h("a", { href: site.href, rel: "noreferrer" }, `At ${site.hostname}`))),
    h("h2", {}, "Videos"),
    videos,
    playlists && [h("h2", {}, "Playlists"), playlists],
  );
}
