import type { SessionView } from "../../runtime/operate/table/logins.ts";
import type { OperatorView, WhoAmI } from "../../runtime/operate/table/operators.ts";
import { ActSaid, useAct } from "../parts/act.tsx";
import { useReading, useTitle } from "../parts/hooks.ts";
import { DO, PlainTable } from "../parts/plain-table.tsx";
import { Shown } from "../parts/reading.tsx";
import { Sure } from "../parts/sure.tsx";
import { Ago, At, CopyCommand, StateWord } from "../parts/words.tsx";
import { theStore } from "../store/store.ts";
import { commandLine } from "../text/command-line.ts";

const ACCEPTED = { symbol: "✓", word: "accepted", tone: "good" } as const;
const REMOVED = { symbol: "⊘", word: "removed", tone: "quiet" } as const;

/** The people: you, those who may command, and those who are logged in. */
export function People() {
  useTitle("People");
  return (
    <section class="page">
      <div class="page-head">
        <h1>People</h1>
      </div>
      <You />
      <Operators />
      <Sessions />
    </section>
  );
}

function You() {
  const { client } = theStore();
  const { reading } = useReading<WhoAmI>("whoami", () => ({ load: () => client.whoami(), every: 60_000 }));
  return (
    <section class="block" aria-label="You">
      <div class="block-head">
        <h2>You</h2>
        <CopyCommand line={commandLine("whoami")} />
      </div>
      <Shown of={reading} what="your name">
        {({ name, node, role, on, methods }) => (
          <p>
            You are <strong>{name}</strong> at {node}, with the role {role}
            {on !== undefined && (
              <>
                {" "}
                on <code>{on}</code>
              </>
            )}
            {methods !== undefined && (
              <>
                {" "}
                for <code>{methods.join(", ")}</code>
              </>
            )}
            .
          </p>
        )}
      </Shown>
    </section>
  );
}

function Operators() {
  const { client } = theStore();
  const { reading } = useReading<readonly OperatorView[]>("operators", () => ({
    load: () => client.operators(),
    every: 30_000,
  }));
  return (
    <section class="block" aria-label="Operators">
      <div class="block-head">
        <h2>Operators</h2>
        <CopyCommand line={commandLine("operator", "list")} />
      </div>
      <Shown
        of={reading}
        what="the operators"
        isEmpty={(list) => list.length === 0}
        empty="No operator has a key of his own: whoever may use the socket of this daemon commands in its name."
      >
        {(list) => (
          <PlainTable label="Operators" heads={["Name", "State", "Role", "Nodes", "Methods", "Since", "By", "Key"]}>
            {list.map(({ name, standing, role, on, methods, since, by, key }) => (
              <tr key={name}>
                <td>{name}</td>
                <td>
                  <StateWord look={standing === "accepted" ? ACCEPTED : REMOVED} live={false} />
                </td>
                <td>{role}</td>
                <td>{on ?? "all"}</td>
                <td>{methods?.join(", ") ?? "all"}</td>
                <td>
                  <At time={since} day />
                </td>
                <td>{by}</td>
                <td class="mono what">{key}</td>
              </tr>
            ))}
          </PlainTable>
        )}
      </Shown>
    </section>
  );
}

function Sessions() {
  const { client } = theStore();
  const { reading, refresh } = useReading<readonly SessionView[]>("sessions", () => ({
    load: () => client.sessions(),
    every: 15_000,
  }));
  const { said, act } = useAct(refresh);
  return (
    <section class="block" aria-label="Logins">
      <div class="block-head">
        <h2>Logins and tokens</h2>
        <CopyCommand line={commandLine("sessions")} />
      </div>
      <ActSaid said={said} />
      <Shown
        of={reading}
        what="the logins"
        isEmpty={(list) => list.length === 0}
        empty="Nobody is logged in, and no token is open."
      >
        {(list) => (
          <PlainTable label="Logins and tokens" heads={["Id", "Kind", "By", "Role", "Made", "Last used", "Ends", DO]}>
            {list.map(({ id, kind, by, role, createdAt, lastUsedAt, expiresAt }) => (
              <tr key={id}>
                <td class="mono">{id}</td>
                <td>{kind === "page" ? "a browser" : "a token"}</td>
                <td>{by}</td>
                <td>{role}</td>
                <td>
                  <Ago at={createdAt} />
                </td>
                <td>
                  <Ago at={lastUsedAt} />
                </td>
                <td>
                  <Ago at={expiresAt} />
                </td>
                <td class="do">
                  <Sure sure="end it" onSure={() => act("It is ended.", client.endSession(id))}>
                    end
                  </Sure>
                </td>
              </tr>
            ))}
          </PlainTable>
        )}
      </Shown>
    </section>
  );
}
