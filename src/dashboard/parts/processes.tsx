import { useState } from "preact/hooks";
import type { ProcessList, ProcessView } from "../../runtime/operate/table/processes.ts";
import { Refusal, sentenceOf } from "../store/client.ts";
import type { Reading } from "../store/resource.ts";
import { theStore } from "../store/store.ts";
import { commandLine } from "../text/command-line.ts";
import { processLook } from "../text/looks.ts";
import { useReading } from "./hooks.ts";
import { DO, figure, PlainTable } from "./plain-table.tsx";
import { Shown } from "./reading.tsx";
import { Sure } from "./sure.tsx";
import { Ago, CopyCommand, For, StateWord } from "./words.tsx";

/** The processes of a node, as it answered last; `refresh` asks it again. */
export interface AskedProcesses {
  readonly reading: Reading<ProcessList | undefined>;
  readonly refresh: () => void;
}

/**
 * Asks a node for its processes. Another node is asked over the wire, by a message of its own: once when the page is opened and
 * when somebody asks again, for a page that asks by itself would fill the link of a ship.
 */
export function useProcesses(node: string, away: boolean): AskedProcesses {
  const store = theStore();
  const isSelf = store.session.value?.node === node;
  return useReading<ProcessList | undefined>(`processes ${node} ${away} ${isSelf}`, () => ({
    // A node that is away is not asked: the question would wait for its answer until it times out.
    load: async () => (away ? undefined : await store.client.processes({ node, timeout: 8_000 })),
    ...(isSelf ? { on: ({ type }) => type === "process", every: 5_000, atMost: 500 } : {}),
    refreshes: isSelf,
  }));
}

export function Processes({
  node,
  away,
  of: { reading, refresh },
}: {
  node: string;
  away: boolean;
  of: AskedProcesses;
}) {
  const isSelf = theStore().session.value?.node === node;
  return (
    <section class="block" aria-label="Processes">
      <div class="block-head">
        <h2>Processes</h2>
        <span class="actions">
          {!away && !isSelf && (
            <button type="button" onClick={refresh}>
              ask {node} again
            </button>
          )}
          <CopyCommand line={commandLine("ps", node)} />
        </span>
      </div>
      {away && <p class="empty">{node} is out of reach: it cannot be asked for its processes now.</p>}
      {!away && (
        <Shown of={reading} what={`the processes of ${node}`}>
          {(list) =>
            list === undefined ? null : (
              <>
                <ProcessTable list={list.processes} node={node} onDone={refresh} />
                <p class="quiet">
                  as of <Ago at={list.asOf} />
                </p>
              </>
            )
          }
        </Shown>
      )}
    </section>
  );
}

function ProcessTable({ list, node, onDone }: { list: readonly ProcessView[]; node: string; onDone: () => void }) {
  const [said, say] = useState("");
  return (
    <>
      {said !== "" && (
        <p class="fault" role="alert">
          {said}
        </p>
      )}
      <PlainTable
        label="Processes"
        kind="processes"
        heads={["Process", "State", "For", figure("Queued"), figure("Active"), figure("Restarts"), DO]}
      >
        {list.map((process) => (
          <tr key={`${process.role} ${process.subject}`}>
            <td>
              <span class="mono">{process.subject}</span> <span class="quiet">{process.role}</span>
              {process.lastError !== undefined && (
                <div class="why" title={process.lastError}>
                  {process.lastError}
                  {process.lastErrorAt !== undefined && (
                    <>
                      {" "}
                      (<Ago at={process.lastErrorAt} />)
                    </>
                  )}
                </div>
              )}
              {process.stuck !== undefined && <div class="why">stands still: {process.stuck.reason}</div>}
            </td>
            <td>
              <StateWord look={processLook(process.state)} />
            </td>
            <td>
              <For since={process.since} />
            </td>
            <td class="figure">{process.queued}</td>
            <td class="figure">{process.active}</td>
            <td class="figure">{process.restarts}</td>
            <td class="do">
              <Verbs process={process} node={node} onDone={onDone} say={say} />
            </td>
          </tr>
        ))}
      </PlainTable>
    </>
  );
}

function Verbs({
  process,
  node,
  onDone,
  say,
}: {
  process: ProcessView;
  node: string;
  onDone: () => void;
  say: (text: string) => void;
}) {
  const { client } = theStore();
  const { subject, state, role } = process;
  if (role === "core") return null;
  const act = async (verb: "start" | "stop" | "restart" | "revive"): Promise<void> => {
    try {
      await client.control(node, subject, verb);
      say("");
    } catch (thrown) {
      say(`${subject}: ${thrown instanceof Refusal ? sentenceOf(thrown) : String(thrown)}`);
    }
    onDone();
  };
  if (state === "stopped")
    return (
      <Sure sure={`start it`} onSure={() => act("start")}>
        start
      </Sure>
    );
  if (state === "quarantined")
    return (
      <Sure sure="revive it" onSure={() => act("revive")}>
        revive
      </Sure>
    );
  return (
    <>
      <Sure sure="restart it" onSure={() => act("restart")}>
        restart
      </Sure>
      <Sure sure="stop it" onSure={() => act("stop")}>
        stop
      </Sure>
    </>
  );
}
