import { type ReadonlySignal, signal } from "@preact/signals";

/** The place of the page, which is its URL: path, and query for filters. Everything that a reader chooses stands there. */
export interface Place {
  readonly path: readonly string[];
  readonly query: Readonly<Record<string, string>>;
}

const current = signal<Place>(read());
export const place: ReadonlySignal<Place> = current;

function read(): Place {
  const { pathname, search } = globalThis.location ?? { pathname: "/", search: "" };
  const path = pathname.split("/").filter((word) => word !== "");
  return { path: path.map(decoded), query: Object.fromEntries(new URLSearchParams(search)) };
}

function decoded(word: string): string {
  try {
    return decodeURIComponent(word);
  } catch {
    return word;
  }
}

export function urlOf(path: readonly string[], query: Readonly<Record<string, string | undefined>> = {}): string {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined && value !== "") parameters.set(key, value);
  const text = parameters.toString();
  return `/${path.map(encodeURIComponent).join("/")}${text === "" ? "" : `?${text}`}`;
}

export function go(url: string, replace = false): void {
  history[replace ? "replaceState" : "pushState"](null, "", url);
  current.value = read();
  if (!replace) scrollTo(0, 0);
}

/** Changes some words of the query, and stays on the page. */
export function ask(change: Readonly<Record<string, string | undefined>>, replace = true): void {
  const { path, query } = current.peek();
  go(urlOf(path, { ...query, ...change }), replace);
}

/** Listens to the buttons of the browser, and takes clicks on links within the page. */
export function startRouter(): void {
  addEventListener("popstate", () => {
    current.value = read();
  });
  document.addEventListener("click", (event) => {
    if (
      event.defaultPrevented ||
      event.button !== 0 ||
      event.metaKey ||
      event.ctrlKey ||
      event.shiftKey ||
      event.altKey
    )
      return;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (
      link === null ||
      link.target !== "" ||
      link.origin !== location.origin ||
      link.hash !== "" ||
      link.hasAttribute("download")
    )
      return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
}
