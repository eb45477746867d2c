import { useMemo, useState } from "preact/hooks";
import { go, urlOf } from "../store/router.ts";
import { theStore } from "../store/store.ts";
import { Dialog } from "./dialog.tsx";

interface Choice {
  readonly word: string;
  readonly kind: string;
  readonly url: string;
  /** Further words by which it is found. */
  readonly also?: string;
}

const SIGN_OUT: Choice = { word: "Sign out", kind: "you", url: "", also: "log out logout leave" };
const PAGES: readonly Choice[] = [
  { word: "Fleet", kind: "page", url: "/" },
  { word: "Messages", kind: "page", url: "/messages" },
  { word: "Messages that are open", kind: "page", url: "/messages?open=true" },
  { word: "Messages that failed", kind: "page", url: "/messages?state=failed" },
  { word: "Jobs", kind: "page", url: "/jobs" },
  { word: "Run a command", kind: "page", url: "/run" },
  { word: "Logs", kind: "page", url: "/logs" },
  { word: "Transitions", kind: "page", url: "/inspection" },
  { word: "Supervision tree", kind: "page", url: "/inspection?tab=tree" },
  { word: "Dead letters", kind: "page", url: "/inspection?tab=dead" },
  { word: "Alerts", kind: "page", url: "/inspection?tab=alerts" },
  { word: "Alerts of rules", kind: "page", url: "/attention" },
  { word: "Approvals", kind: "page", url: "/attention?tab=approvals" },
  { word: "Holds for maintenance", kind: "page", url: "/attention?tab=holds" },
  { word: "Mutes", kind: "page", url: "/attention?tab=mutes" },
  { word: "Errands", kind: "page", url: "/attention?tab=errands" },
  {
    ...{ word: "Audit: who did what", kind: "page", url: "/inspection?tab=audit" },
    also: "history trail log of operators decisions refused",
  },
  { word: "Operators and logins", kind: "page", url: "/people", also: "who people users" },
  SIGN_OUT,
  { word: "Nodes that are away", kind: "page", url: "/?show=away" },
];
const MOST = 12;

/** Goes anywhere by a few letters: pages, nodes, the id of a message. */
export function Palette({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const rows = theStore().nodes.mirror.value.rows;
  const found = useMemo(() => choices(text, rows.keys()), [text, rows]);
  const chosen = found[Math.min(at, found.length - 1)];
  const take = (choice: Choice | undefined): void => {
    if (choice === undefined) return;
    onClose();
    if (choice === SIGN_OUT) void theStore().signOut();
    else go(choice.url);
  };
  const pressed = (event: KeyboardEvent): void => {
    if (event.key === "ArrowDown") setAt(Math.min(at + 1, found.length - 1));
    else if (event.key === "ArrowUp") setAt(Math.max(at - 1, 0));
    else if (event.key === "Enter") take(chosen);
    else return;
    event.preventDefault();
  };
  return (
    <Dialog label="Go to" onClose={onClose}>
      <input
        class="wide"
        type="text"
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={chosen === undefined ? undefined : `palette-${found.indexOf(chosen)}`}
        aria-label="A node, the id of a message, or a page"
        placeholder="a node, the id of a message, or a page"
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={pressed}
      />
      <div id="palette-list" role="listbox" aria-label="Found" class="palette-list">
        {found.map((choice, i) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the keys
          <div
            key={choice.url}
            id={`palette-${i}`}
            role="option"
            tabIndex={-1}
            aria-selected={choice === chosen}
            class={choice === chosen ? "chosen" : ""}
            onClick={() => take(choice)}
          >
            <span>{choice.word}</span>
            <span class="quiet">{choice.kind}</span>
          </div>
        ))}
      </div>
      {found.length === 0 && <p class="quiet">Nothing of that name.</p>}
    </Dialog>
  );
}

/** The pages, nodes and ids of which a name, or another word for it, has the text in it. */
export function choices(text: string, names: Iterable<string>): Choice[] {
  const wanted = text.trim().toLowerCase();
  const found: Choice[] = [];
  if (/^[0-9a-z]{8,26}$/i.test(wanted) && /\d/.test(wanted))
    found.push({ word: wanted.toUpperCase(), kind: "message", url: urlOf(["messages", wanted.toUpperCase()]) });
  const nodes: Choice[] = [];
  for (const name of names) {
    if (nodes.length > 200) break;
    if (wanted !== "" && name.toLowerCase().includes(wanted))
      nodes.push({ word: name, kind: "node", url: urlOf(["nodes", name]) });
  }
  const starts = (choice: Choice): number => (choice.word.toLowerCase().startsWith(wanted) ? 0 : 1);
  nodes.sort((a, b) => starts(a) - starts(b) || a.word.length - b.word.length);
  const pages = PAGES.filter(({ word, also = "" }) => `${word} ${also}`.toLowerCase().includes(wanted));
  return [...found, ...nodes, ...pages].slice(0, MOST);
}
