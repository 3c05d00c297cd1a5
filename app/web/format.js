// How values are shown.

const numbers = new Intl.NumberFormat();
const days = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeZone: "UTC" });
const moments = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const languages = new Intl.DisplayNames(undefined, { type: "language" });

/** Milliseconds as `m:ss` or `h:mm:ss`. */
export function time(ms) {
  const seconds = Math.floor(ms / 1000);
  const two = (number) => String(number).padStart(2, "0");
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** Milliseconds in the form of <time datetime>. */
export const duration = (ms) => `PT${ms / 1000}S`;

export const number = (value) => numbers.format(value);

/** `1 video`, `2 videos`. */
export const count = (value, one, many = `${one}s`) => `${number(value)} ${value === 1 ? one : many}`;

/** A date of publication: it has a day, and seldom more. */
export const day = (iso) => days.format(new Date(iso));

export const moment = (iso) => moments.format(new Date(iso));

/** A language by name, with its tag. */
export function language(tag) {
  try {
    const name = languages.of(tag);
    return name && name !== tag ? `${name} (${tag})` : tag;
  } catch {
    return tag; // platforms have tags of their own, such as en-orig-x
  }
}

export const KINDS = { manual: "written by people", automatic: "by speech recognition", translated: "translated by machine" };

/** The address, if it is one of the web: a link of another scheme is not followed. */
export function webAddress(text) {
  const url = text && URL.canParse(text) ? new URL(text) : null;
  return url && ["https:", "http:"].includes(url.protocol) ? url : null;
}

/** The address of a moment, in whole seconds. */
export function at(address, ms) {
  const url = new URL(address);
  url.searchParams.set("t", `${Math.floor(ms / 1000)}s`);
  return url.href;
}
