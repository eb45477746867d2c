import { useRef } from "preact/hooks";
import { theStore } from "../store/store.ts";

/** The one who is logged in, and the way out. */
export function Me() {
  const store = theStore();
  const session = store.session.value;
  const menu = useRef<HTMLDetailsElement>(null);
  if (session === undefined) return null;
  const { by, role, node } = session;
  const close = (): void => {
    if (menu.current !== null) menu.current.open = false;
  };
  return (
    <details
      class="me"
      ref={menu}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || menu.current?.open !== true) return;
        close();
        menu.current.querySelector("summary")?.focus();
      }}
      onFocusOut={(event) => {
        if (!(event.relatedTarget instanceof Node && menu.current?.contains(event.relatedTarget))) close();
      }}
    >
      <summary title={`you are ${by}, with the role ${role}`}>you</summary>
      <div class="me-menu">
        <p>
          You are <strong>{by}</strong>, with the role {role}, at {node}.
        </p>
        <a href="/people" onClick={close}>
          Operators and logins
        </a>
        <button type="button" onClick={() => void store.signOut()}>
          Sign out
        </button>
      </div>
    </details>
  );
}
