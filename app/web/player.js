// Playing a media file that lies with the service.

import { Problem, get, path } from "./api.js";
import { h } from "./dom.js";
import { failure } from "./parts.js";

/** A player of the first media file of the video that the service hands out; `null` if there is none. */
export async function player(videoId, signal) {
  const { items } = await get(path`media`, { video: videoId, limit: 20 }, { signal });
  for (const file of items) {
    const link = await linkTo(file.id, signal);
    if (link) return playerOf(file, link);
  }
  return null;
}

/** A link to the file's bytes that works for some time without a token, as a player cannot send one. */
async function linkTo(id, signal) {
  try {
    return await get(path`media/${id}/link`, {}, { signal });
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return null;
    throw error;
  }
}

function playerOf(file, link) {
  const isSound = link.content_type.startsWith("audio/");
  const media = h(isSound ? "audio" : "video", {
    controls: true, preload: "metadata", playsinline: true, src: link.url, "aria-label": file.file_name,
  });
  const element = h("div", { class: "player" }, media);

  // The link may have run out meanwhile: a new one goes on at the same place. A second error in a row is the file's.
  let isRenewed = false;
  media.addEventListener("playing", () => { isRenewed = false; });
  media.addEventListener("error", async () => {
    const [position, wasPlaying] = [media.currentTime, !media.paused];
    try {
      const renewed = isRenewed ? null : await linkTo(file.id);
      if (!renewed) throw new Problem(0, { detail: "The file cannot be played." });
      isRenewed = true;
      media.src = renewed.url;
      media.currentTime = position;
      if (wasPlaying) await media.play();
    } catch (error) {
      if (error.name !== "AbortError") element.replaceChildren(failure(error));
    }
  });

  return {
    element,
    /** Goes to a moment, and plays from there. */
    seek(ms, { play = true } = {}) {
      media.currentTime = ms / 1000;
      // A browser may want a person to press the button.
      if (play) media.play().catch(() => {});
    },
    /** Shows what was said in the picture, if a person asks the player for it. */
    caption(cues, language, label) {
      if (isSound) return;
      media.querySelector("track")?.remove();
      const track = h("track", { kind: "captions", srclang: language, label });
      media.append(track);
      track.track.mode = "hidden";
      for (const { start_ms: start, end_ms: end, text } of cues) {
        const plain = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
        track.track.addCue(new VTTCue(start / 1000, end / 1000, plain));
      }
    },
    /** Calls with the position in milliseconds, as it changes. */
    follow(changed, signal) {
      const tell = () => changed(media.currentTime * 1000);
      for (const event of ["timeupdate", "seeked"]) media.addEventListener(event, tell, { signal });
    },
  };
}
