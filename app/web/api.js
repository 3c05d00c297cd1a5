// Talking to the service: JSON, problem documents, event streams, and the token if it asks for one.

const TOKEN = "tubeatlas.token";

/** What was wrong, as the service said it. */
export class Problem extends Error {
  constructor(status, document) {
    super(document.detail || document.title || `the service answered ${status}`);
    this.status = status;
    this.code = document.code ?? null;
    this.field = document.field ?? null;
    this.requestId = document.request_id ?? null;
  }
}

/** The answer to `GET path`; parameters without a value are left out. */
export async function get(path, parameters = {}, { signal } = {}) {
  return (await request("GET", path, { parameters, signal })).json();
}

export async function post(path, body = undefined, { signal } = {}) {
  return (await request("POST", path, { body, signal })).json();
}

/** The events of `path` as `{event, data}`, until the service or `signal` ends them. */
export async function* events(path, { signal } = {}) {
  const response = await request("GET", path, { signal, accept: "text/event-stream" });
  let rest = "";
  for await (const text of decoded(response.body)) {
    const blocks = (rest + text).split(/\r\n\r\n|\n\n|\r\r/);
    rest = blocks.pop();
    for (const block of blocks) {
      const event = parsed(block);
      if (event.data) yield event;
    }
  }
}

async function* decoded(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function parsed(block) {
  const event = { event: "message", data: "" };
  for (const line of block.split(/\r\n|\n|\r/)) {
    const [, name, value] = /^([^:]*):? ?(.*)$/.exec(line);
    if (name === "event") event.event = value;
    if (name === "data") event.data += (event.data && "\n") + value;
  }
  return event;
}

async function request(method, path, { parameters = {}, body, signal, accept = "application/json" }) {
  const url = new URL(path, document.baseURI);
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== "") url.searchParams.set(name, value);
  }
  for (let refused = false; ; refused = true) {
    const headers = { Accept: accept };
    const token = sessionStorage.getItem(TOKEN);
    if (token) headers.Authorization = `Bearer ${token}`;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const response = await sent(url, { method, headers, signal, body: JSON.stringify(body), cache: "no-cache" });
    if (response.ok) return response;
    const problem = new Problem(response.status, await response.json().catch(() => ({})));
    // Another request may have got a token meanwhile.
    const isNew = sessionStorage.getItem(TOKEN) !== token;
    if (response.status !== 401 || !(isNew || (await askForToken(refused || token ? problem : null)))) throw problem;
  }
}

async function sent(url, options) {
  try {
    return await fetch(url, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, { code: "unreachable", detail: "The service cannot be reached." });
  }
}

let asking = null;

/** Asks for the token, once for all requests that wait for it; whether one was given. */
function askForToken(problem) {
  asking ??= new Promise((answer) => {
    sessionStorage.removeItem(TOKEN);
    const dialog = document.getElementById("sign-in");
    const [form, input] = [dialog.querySelector("form"), dialog.querySelector("input")];
    const before = document.activeElement;
    input.value = "";
    input.toggleAttribute("aria-invalid", problem !== null);
    document.getElementById("token-problem").textContent = problem ? `That token was refused: ${problem.message}` : "";
    form.onsubmit = (event) => {
      event.preventDefault();
      sessionStorage.setItem(TOKEN, input.value.trim());
      dialog.close();
    };
    dialog.querySelector("button[type=button]").onclick = () => dialog.close();
    dialog.onclose = () => {
      asking = null;
      before?.focus();
      answer(sessionStorage.getItem(TOKEN) !== null);
    };
    dialog.showModal();
  });
  return asking;
}

/** The path of something with ids in it, each encoded: path`videos/${id}`. */
export function path(parts, ...ids) {
  return "api/v1/" + String.raw({ raw: parts }, ...ids.map(encodeURIComponent));
}
