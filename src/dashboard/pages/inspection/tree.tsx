import type { Health } from "../../../runtime/operate/table/daemon.ts";
import type { ProcessList } from "../../../runtime/operate/table/processes.ts";
import { Shown } from "../../parts/reading.tsx";
import { useReading } from "../../parts/use.ts";
import { CopyCommand, For, StateWord } from "../../parts/words.tsx";
import { theStore } from "../../store/store.ts";
import { commandLine } from "../../text/command-line.ts";
import { processLook } from "../../text/looks.ts";
import { counted } from "../../text/times.ts";

const GROUPS = [
  { role: "subscriber", word: "subscribers", of: "take messages" },
  { role: "source", word: "sources", of: "make events of what happens here" },
  { role: "publisher", word: "publishers", of: "send messages" },
  { role: "core", word: "listeners", of: "hold a port or a socket" },
] as const;

/** The processes under their supervisor, with their restarts. */
export function Tree() {
  const { client } = theStore();
  const { reading } = useReading<ProcessList>("tree", () => ({
    load: () => client.processes(),
    on: ({ type }) => type === "process",
    every: 5_000,
    atMost: 500,
  }));
  const health = theStore().health.reading.value.value;
  return (
    <div class="scrolling">
      <Shown of={reading} what="the processes">
        {({ node, processes }) => (
          <section class="block" aria-label="Supervision tree">
            <div class="block-head">
              <h2>daemon of {node}</h2>
              <CopyCommand line={commandLine("ps", node)} />
            </div>
            <ul class="tree">
              {health !== undefined && <CoreRows health={health} />}
              <li>
                <strong>processes</strong>{" "}
                <span class="quiet">one for one: each is restarted alone, and quarantined when it fails too often</span>
                <ul>
                  {GROUPS.map(({ role, word, of }) => {
                    const list = processes.filter((process) => process.role === role);
                    if (list.length === 0) return null;
                    return (
                      <li key={role}>
                        {word} <span class="quiet">({of})</span>
                        <ul>
                          {list.map((process) => (
                            <li key={process.subject}>
                              <StateWord look={processLook(process.state)} />{" "}
                              <span class="mono">{process.subject}</span>{" "}
                              <span class="quiet">
                                for <For since={process.since} />
                              </span>
                              {process.restarts > 0 && (
                                <span class="chip">↻ {counted(process.restarts, "restart")}</span>
                              )}
                              {process.lastError !== undefined && <div class="why">{process.lastError}</div>}
                            </li>
                          ))}
                        </ul>
                      </li>
                    );
                  })}
                </ul>
              </li>
            </ul>
          </section>
        )}
      </Shown>
    </div>
  );
}

function CoreRows({ health }: { health: Health }) {
  const { broker, journal } = health;
  const ok = { symbol: "●", tone: "good" } as const;
  const bad = { symbol: "✗", tone: "bad" } as const;
  return (
    <li>
      <strong>core</strong>{" "}
      <span class="quiet">what all others need: a fault of it ends the daemon, and its service starts it again</span>
      <ul>
        <li>
          <StateWord look={{ ...(journal.state === "ok" ? ok : bad), word: journal.state }} /> journal
        </li>
        <li>
          <StateWord look={{ ...(broker.state === "connected" ? ok : bad), word: broker.state }} /> link to the broker{" "}
          <span class="quiet">
            {broker.server ?? broker.fault} for <For since={broker.since} />
          </span>
        </li>
      </ul>
    </li>
  );
}
