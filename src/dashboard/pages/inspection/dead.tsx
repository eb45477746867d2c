import type { DeadLetter } from "../../../runtime/operate/table/messages.ts";
import { ActSaid, useAct } from "../../parts/act.tsx";
import { useReading } from "../../parts/hooks.ts";
import { DO, PlainTable } from "../../parts/plain-table.tsx";
import { Shown } from "../../parts/reading.tsx";
import { Sure } from "../../parts/sure.tsx";
import { Ago, CopyCommand } from "../../parts/words.tsx";
import { theStore } from "../../store/store.ts";
import { commandLine } from "../../text/command-line.ts";
import { counted } from "../../text/times.ts";

/** Dead letters, with what can be done about each. */
export function Dead() {
  const { client } = theStore();
  const { reading, refresh } = useReading<readonly DeadLetter[]>("dead", () => ({
    load: () => client.dead(),
    on: ({ type }) => type === "message" || type === "alert",
    every: 10_000,
    atMost: 1_500,
  }));
  const { said, act } = useAct(refresh);
  return (
    <div class="scrolling">
      <p class="quiet">
        Messages that failed their process three times or were refused, kept until somebody decides.{" "}
        <CopyCommand line={commandLine("dead")} />
      </p>
      <ActSaid said={said} />
      <Shown
        of={reading}
        what="the dead letters"
        isEmpty={(list) => list.length === 0}
        empty="There is no dead letter."
      >
        {(list) => (
          <PlainTable label="Dead letters" heads={["When", "Subject", "What", "Why", DO]}>
            {list.map(({ id, at, subject, summary, reason, attempts, origin }) => (
              <tr key={id}>
                <td>
                  <Ago at={at} />
                </td>
                <td>
                  <span class="mono">{subject}</span> <span class="quiet">from {origin}</span>
                </td>
                <td class="what">{summary}</td>
                <td class="why">
                  {reason} <span class="quiet">({counted(attempts, "attempt")})</span>
                </td>
                <td class="do">
                  <Sure sure="send it again" onSure={() => act("It is on its way again.", client.retryDead(id))}>
                    retry
                  </Sure>
                  <Sure sure="drop it for good" onSure={() => act("It is dropped.", client.dropDead(id))}>
                    drop
                  </Sure>
                </td>
              </tr>
            ))}
          </PlainTable>
        )}
      </Shown>
    </div>
  );
}
