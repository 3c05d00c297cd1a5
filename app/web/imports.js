// Taking an archive in.

import { get, path, post } from "./api.js";
import { fill, h } from "./dom.js";
import { empty, failure, heading } from "./parts.js";
import { to } from "./route.js";
import { followTask } from "./tasks.js";

export async function imports({ main, signal }) {
  const { roots } = await get(path`imports/roots`, {}, { signal });
  const intro = h("p", { class: "lead" }, "Takes what yt-dlp left in a folder into the catalogue. The archive is only read.");
  if (roots.length === 0) {
    const none = empty(
      "No folder may be imported from here",
      "Whoever runs the service names the folders, by ", h("code", {}, "--import-root FOLDER"), " or ", h("code", {}, "import_roots"),
      " in tubeatlas.toml. On the command line, ", h("code", {}, "tubeatlas import FOLDER"), " takes any.",
    );
    return fill(main, heading("Import", intro), none);
  }
  const folder = h("input", {
    id: "folder", type: "text", required: true, value: roots[0], spellcheck: "false", autocapitalize: "off",
    autocomplete: "off", "aria-describedby": "folder-help folder-problem",
  });
  const reread = h("input", { type: "checkbox", id: "reread" });
  const problem = h("div", { id: "folder-problem" });
  const begun = h("ol", { class: "list", role: "list", "aria-label": "Imports begun here" });
  const button = h("button", { type: "submit", class: "primary" }, "Import");
  const submit = async (event) => {
    event.preventDefault();
    button.disabled = true;
    fill(problem);
    folder.removeAttribute("aria-invalid");
    try {
      const task = await post(path`imports`, { paths: [folder.value.trim()], reread: reread.checked }, { signal });
      begun.prepend(await followTask(task, { signal }));
    } catch (error) {
      if (signal.aborted) return;
      folder.setAttribute("aria-invalid", "true");
      fill(problem, failure(error, null, error.field?.startsWith("paths") ? "The folder " : ""));
    }
    button.disabled = false;
  };
  return fill(
    main,
    heading("Import", intro),
    h(
      "form",
      { class: "form", onsubmit: submit },
      h("label", { for: "folder" }, "Folder on the service’s machine"),
      folder,
      h(
        "p",
        { id: "folder-help", class: "quiet" },
        "In or below ", roots.map((root, i) => [i > 0 && ", ", h("code", {}, root)]), ".",
      ),
      h("label", { class: "check" }, reread, h("span", {}, "Read files again that did not change since the last import")),
      problem,
      h("div", { class: "buttons" }, button, h("a", { href: to("tasks") }, "All tasks")),
    ),
    begun,
  );
}
