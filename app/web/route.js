// Where in the page one is. It stands behind the #, so that the service need not know the page's views, and the page
// works wherever the service is mounted.

/** The view, the id of what it shows, and its parameters: `#/video/abc?t=12`. */
export function route() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  const [view, id] = path.split("/").map(decoded);
  return { view: view || "search", id: id ?? null, parameters: new URLSearchParams(query) };
}

/** The address of a view; parameters without a value are left out. */
export function to(view, id = null, parameters = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const query = new URLSearchParams(given).toString();
  return `#/${view === "search" ? "" : view}${id === null ? "" : `/${encodeURIComponent(id)}`}${query && `?${query}`}`;
}

/** Says in the address what the view shows by now; Back leads to what was before the view. */
export function replace(address) {
  history.replaceState(null, "", address);
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
