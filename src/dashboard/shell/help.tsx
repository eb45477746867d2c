import { theStore } from "../store/store.ts";
import { WORDS } from "../text/glossary.ts";
import { Dialog } from "./dialog.tsx";
import { KEYS } from "./keys.ts";

export function Help({ onClose }: { onClose: () => void }) {
  const session = theStore().session.value;
  return (
    <Dialog label="Keys" onClose={onClose}>
      <h2 data-first tabIndex={-1}>
        Keys
      </h2>
      <dl class="keys">
        {KEYS.map(({ keys, word }) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{word}</dd>
          </div>
        ))}
      </dl>
      <p class="quiet">A filter takes the expressions of the command line, such as: class=tanker and online</p>
      <details>
        <summary>Words of the page</summary>
        <dl class="keys words">
          {WORDS.map(({ word, meaning }) => (
            <div key={word}>
              <dt>{word}</dt>
              <dd>{meaning}</dd>
            </div>
          ))}
        </dl>
      </details>
      {session !== undefined && (
        <p>
          You are <strong>{session.by}</strong>, with the role {session.role}, at {session.node} (steward{" "}
          {session.version}).{" "}
          <button
            type="button"
            onClick={() => {
              onClose();
              void theStore().signOut();
            }}
          >
            Sign out
          </button>
        </p>
      )}
      <button type="button" onClick={onClose}>
        Close
      </button>
    </Dialog>
  );
}
