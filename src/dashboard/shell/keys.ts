import { go } from "../store/router.ts";

/** Keys of the page. A key that a field takes for itself is left alone. */
export const KEYS = [
  { keys: "/", word: "to the filter of the page" },
  { keys: "Ctrl K", word: "go to a node, a message or a page" },
  { keys: "g n", word: "fleet" },
  { keys: "g m", word: "messages" },
  { keys: "g j", word: "jobs" },
  { keys: "g r", word: "run" },
  { keys: "g l", word: "logs" },
  { keys: "g a", word: "attention: alerts, approvals, holds" },
  { keys: "g i", word: "inspection" },
  { keys: "g p", word: "people: operators and logins" },
  { keys: "j  k", word: "next, previous row of a list" },
  { keys: "Enter", word: "open the row" },
  { keys: "?", word: "these keys" },
  { keys: "Esc", word: "close, or leave a field" },
] as const;

const PLACES: Readonly<Record<string, string>> = {
  n: "/",
  f: "/",
  m: "/messages",
  j: "/jobs",
  r: "/run",
  l: "/logs",
  a: "/attention",
  i: "/inspection",
  p: "/people",
};
const SEQUENCE_WITHIN = 1_500;

export interface KeyActions {
  readonly palette: () => void;
  readonly help: () => void;
}

/** Listens until the returned function is called. */
export function startKeys({ palette, help }: KeyActions): () => void {
  let begunAt = Number.NEGATIVE_INFINITY;
  const pressed = (event: KeyboardEvent): void => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      palette();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (isField(event.target)) {
      if (event.key === "Escape" && event.target instanceof HTMLElement) event.target.blur();
      return;
    }
    if (document.querySelector("dialog[open]") !== null) return;
    const inSequence = event.timeStamp - begunAt < SEQUENCE_WITHIN;
    begunAt = Number.NEGATIVE_INFINITY;
    const target = inSequence ? PLACES[event.key] : undefined;
    if (target !== undefined) go(target);
    else if (event.key === "g") begunAt = event.timeStamp;
    else if (event.key === "/") document.querySelector<HTMLElement>("[data-filter]")?.focus();
    else if (event.key === "?") help();
    else if (event.key === "j" || event.key === "k") step(event.key === "j" ? 1 : -1);
    else return;
    event.preventDefault();
  };
  addEventListener("keydown", pressed);
  return () => removeEventListener("keydown", pressed);
}

function isField(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.matches("input, textarea, select") || target.isContentEditable);
}

/** Moves the focus to the link of the next row. */
function step(by: number): void {
  const links = [...document.querySelectorAll<HTMLElement>("[data-row]")];
  const top = (link: HTMLElement): number => link.getBoundingClientRect().top;
  links.sort((a, b) => top(a) - top(b));
  const at = links.indexOf(document.activeElement as HTMLElement);
  const next = links[at === -1 ? (by > 0 ? 0 : links.length - 1) : at + by];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}
