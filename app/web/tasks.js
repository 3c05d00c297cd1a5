// The tasks, live: what changes is shown as it does.

import { Problem, events, get, path, post } from "./api.js";
import { announce, fill, h } from "./dom.js";
import { count, moment } from "./format.js";
import { choice, empty, facts, failure, heading, paged, pages } from "./parts.js";
import { replace, to } from "./route.js";

const STATUSES = { pending: "Waiting", running: "Running", succeeded: "Done", failed: "Failed", cancelled: "Cancelled" };
const COLOURS = { succeeded: "good", failed: "bad", running: "live" };
const isFinished = (task) => !["pending", "running"].includes(task.status);

/** A stream that broke off is asked for again after that, at first; each time in vain after twice as long. */
const RETRY_MS = 1_000;
const MAX_RETRY_MS = 30_000;

export async function tasks({ main, signal, parameters }) {
  let chosen = parameters.get("status") ?? "";
  const cards = new Map();
  const show = (task) => {
    const card = taskCard(task);
    cards.set(task.id, card);
    return card.element;
  };
  const filter = choice("Show", { "": "all", ...STATUSES }, chosen, (event) => {
    chosen = event.target.value;
    replace(to("tasks", null, { status: chosen }));
    const failed = (error) => signal.aborted || fill(box, failure(error, reload));
    const reload = () => load().then(() => announce(`Tasks: ${event.target.selectedOptions[0].textContent}`), failed);
    reload();
  });
  const connection = h("p", { class: "quiet connection", role: "status" });
  const box = h("div");
  const load = async () => {
    cards.clear();
    const none = chosen ? empty("No such tasks") : empty("No tasks yet", "An import, an export or a new index is one.");
    const address = pages(path`tasks`, { status: chosen, order: "newest", limit: 30 }, { signal });
    fill(box, await paged({ load: address, show, name: "tasks", none, signal }));
  };
  await load();
  fill(main, heading("Tasks", filter, connection), box);

  const changed = (task) => {
    if (cards.has(task.id)) return cards.get(task.id).update(task);
    if (chosen && chosen !== task.status) return undefined;
    const list = box.querySelector(".list") ?? h("ol", { class: "list", role: "list" });
    list.prepend(show(task));
    if (!box.contains(list)) fill(box, list);
    return announce("There is a new task");
  };
  const state = (text) => fill(connection, text);
  follow(path`tasks/events`, { signal, changed, reload: load, state });
}

/** A task that is shown until it is finished. */
export async function followTask(task, { signal }) {
  const card = taskCard(task);
  const state = () => {};
  const reload = async () => card.update(await get(path`tasks/${task.id}`, {}, { signal }));
  const isDone = () => isFinished(card.task());
  follow(path`tasks/${task.id}/events`, { signal, changed: card.update, reload, state, isDone });
  return card.element;
}

/** Hands on each task of a stream; asks for the stream again if it breaks off, until `isDone`. */
async function follow(address, { signal, changed, reload, state, isDone = () => false }) {
  let wait = RETRY_MS;
  while (!signal.aborted) {
    try {
      for await (const { event, data } of events(address, { signal })) {
        wait = RETRY_MS;
        if (event === "task") changed(JSON.parse(data));
        if (event === "problem") throw new Problem(0, JSON.parse(data));
      }
      if (isDone()) return;
      state("");
    } catch (error) {
      if (signal.aborted) return;
      if (error.status >= 400 && error.status < 500) return state(`Not live: ${error.message}`);
      state("The connection is lost; trying again…");
    }
    await pause(wait, signal);
    wait = Math.min(2 * wait, MAX_RETRY_MS);
    if (signal.aborted) return;
    // What was missed meanwhile.
    await reload().then(() => state(""), () => {});
  }
}

function pause(ms, signal) {
  return new Promise((done) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", () => { clearTimeout(timer); done(); }, { once: true });
  });
}

/** A task as a list item that can be updated in place, so that the focus stays where it is. */
function taskCard(task) {
  let shown = task;
  const name = task.target ? `${task.kind} of ${task.target}` : task.kind;
  const status = h("span");
  const bar = h("progress", { max: "100", "aria-label": `Progress of ${name}` });
  const percent = h("span", { class: "percent" });
  const below = h("div");
  const trouble = h("p", { class: "task-error" });
  const problem = h("div");
  const act = (action, text) => {
    const button = h("button", { type: "button", "aria-label": `${text}: ${name}` }, text);
    button.onclick = async () => {
      // Not `disabled`: that would take the focus away.
      if (button.getAttribute("aria-disabled")) return;
      button.setAttribute("aria-disabled", "true");
      fill(problem);
      try {
        update(await post(path`tasks/${shown.id}/${action}`));
      } catch (error) {
        fill(problem, failure(error));
      }
      button.removeAttribute("aria-disabled");
    };
    return button;
  };
  const [cancel, retry] = [act("cancel", "Cancel"), act("retry", "Try again")];
  const element = h(
    "li",
    { class: "item task", "data-id": task.id, tabindex: "-1" },
    h("div", { class: "task-head" }, h("span", { class: "item-title" }, task.kind), status),
    task.target && h("p", { class: "task-target" }, task.target),
    h("div", { class: "task-progress" }, bar, percent),
    below,
    trouble,
    problem,
    h("div", { class: "buttons" }, cancel, retry),
  );

  function update(next) {
    const [was, had] = [shown.status, document.activeElement];
    shown = next;
    status.className = `pill ${COLOURS[next.status] ?? ""}`;
    fill(status, STATUSES[next.status] ?? next.status);
    bar.value = next.progress;
    fill(percent, `${next.progress} %`);
    bar.parentElement.hidden = next.status !== "running";
    fill(
      below,
      facts(
        next.attempts > 1 && `attempt ${next.attempts} of ${next.max_attempts}`,
        next.lease && `by ${next.lease.worker}`,
        next.started_at && `begun ${moment(next.started_at)}`,
        next.finished_at && `ended ${moment(next.finished_at)}`,
        next.status === "pending" && next.attempts === 0 && `${count(next.max_attempts, "attempt")} at most`,
      ),
    );
    fill(trouble, next.error ?? "");
    trouble.hidden = !next.error;
    cancel.hidden = isFinished(next);
    retry.hidden = !["failed", "cancelled"].includes(next.status);
    // A button that goes away hands the focus to the other one, or to the task.
    if (had?.hidden && element.contains(had)) ([cancel, retry].find((button) => !button.hidden) ?? element).focus();
    if (was !== next.status) announce(`${name}: ${STATUSES[next.status] ?? next.status}`);
  }
  update(task);
  return { element, update, task: () => shown };
}
