// Whether the service lives, is ready, and what its database says of itself.

import { Problem, get } from "./api.js";
import { fill, h } from "./dom.js";
import { heading } from "./parts.js";

const LOOKS = [
  ["The service", "health", "It answers."],
  ["Ready for work", "health/ready", "The catalogue can be read and written."],
  ["The database", "health/db", "It answers."],
];

export async function health({ main, signal, again }) {
  const found = await Promise.all(LOOKS.map((look) => card(look, signal)));
  fill(
    main,
    heading("Health"),
    h("div", { class: "cards" }, found),
    h("button", { type: "button", onclick: again }, "Look again"),
  );
}

async function card([title, address, well], signal) {
  let [isWell, text, answer] = [true, well, {}];
  try {
    answer = await get(address, {}, { signal });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (error.status === 404) return null;
    [isWell, text] = [false, error.message];
  }
  const details = { ...(answer.adapter && { adapter: answer.adapter }), ...answer.details };
  const rows = Object.entries(details).map(([name, value]) => [
    h("dt", {}, name.replaceAll("_", " ")),
    h("dd", {}, typeof value === "object" ? JSON.stringify(value) : String(value)),
  ]);
  return h(
    "section",
    { class: "card" },
    h("h2", {}, title),
    h("p", {}, h("span", { class: `pill ${isWell ? "good" : "bad"}` }, isWell ? "Well" : "Not well"), " ", text),
    rows.length > 0 && h("dl", { class: "details" }, rows),
  );
}
