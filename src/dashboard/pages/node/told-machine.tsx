import { useEffect, useRef } from "preact/hooks";
import type { MachineView, ProcessList } from "../../../runtime/operate/table/processes.ts";
import { MachinePanel } from "../../chart/machine-panel.tsx";
import { stepsOfProcess } from "../../chart/steps.ts";
import { useReading } from "../../parts/hooks.ts";
import { Shown } from "../../parts/reading.tsx";
import { Ago, CopyCommand } from "../../parts/words.tsx";
import { theStore } from "../../store/store.ts";
import { commandLine } from "../../text/command-line.ts";

/** The shortest time between two questions, ms: each is a message on a link that may be narrow. */
const ASK_EVERY = 5_000;
const ANSWER_WITHIN = 8_000;
/** The questions themselves: each would be followed by another. */
const QUESTIONS = "command.process.steward";

/**
 * The machine of a process on another node, with the last transitions that the node tells. The question is for that process alone, and is put when the
 * chart is opened, after a message of the subject has moved, and when somebody asks.
 */
export function ToldMachine({
  node,
  subject,
  machine,
  listed,
}: {
  node: string;
  subject: string;
  machine: MachineView;
  /** The list of all processes of the node, which somebody may have asked for again. */
  listed: ProcessList;
}) {
  const { client } = theStore();
  /** False once the node has answered as an older version does, with all of its processes: a dear answer that tells nothing more. */
  const tells = useRef(true);
  const { reading, refresh } = useReading<ProcessList>(`process ${node} ${subject}`, () => ({
    load: async () => {
      const list = await client.processes({ node, subject, timeout: ANSWER_WITHIN });
      tells.current = list.processes.some(({ transitions }) => transitions !== undefined);
      return list;
    },
    on: (happening) =>
      tells.current &&
      subject !== `${node}.${QUESTIONS}` &&
      happening.type === "message" &&
      happening.subject === subject,
    atMost: ASK_EVERY,
    // A subscriber is idle again a second after its last message, of which no message tells.
    unsettled: ({ processes }) =>
      tells.current && processes.some(({ state, active, queued }) => state === "working" && active + queued === 0),
    refreshes: false,
  }));
  const told = reading.value?.asOf ?? Number.POSITIVE_INFINITY;
  useEffect(() => {
    if (listed.asOf > told) refresh();
  }, [listed.asOf]);
  return (
    <Shown of={reading} what={`this process of ${node}`}>
      {({ asOf, processes }) => {
        const process = processes.find(({ role }) => role === machine.name);
        const transitions = process?.transitions;
        return (
          <>
            <p class="quiet told-line">
              as {node} told it <Ago at={asOf} />
              {transitions === undefined ? "" : "; it is asked again when a message of this subject moves"}{" "}
              <button type="button" onClick={refresh}>
                ask again
              </button>{" "}
              <CopyCommand line={commandLine("ps", node, subject)} />
            </p>
            <MachinePanel
              machine={machine}
              present={process === undefined ? {} : { "": process.state }}
              steps={stepsOfProcess(transitions ?? [], machine.name)}
              none={
                transitions === undefined
                  ? `${node} runs an older version of steward, which does not tell the last transitions of a process`
                  : `${node} remembers no transition of it since its daemon was started`
              }
            />
          </>
        );
      }}
    </Shown>
  );
}
