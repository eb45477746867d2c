import type { ErrandView } from "../../../runtime/operate/table/alerts.ts";
import { ActSaid, useAct } from "../../parts/act.tsx";
import { useReading } from "../../parts/hooks.ts";
import { DO, figure, PlainTable } from "../../parts/plain-table.tsx";
import { Shown } from "../../parts/reading.tsx";
import { Sure } from "../../parts/sure.tsx";
import { Ago, CopyCommand } from "../../parts/words.tsx";
import { theStore } from "../../store/store.ts";
import { commandLine } from "../../text/command-line.ts";

/** Alerts and outcomes that wait for their destinations. */
export function Errands() {
  const { client } = theStore();
  const { reading, refresh } = useReading<readonly ErrandView[]>("errands", () => ({
    load: () => client.errands(),
    on: ({ type }) => type === "alert",
    every: 5_000,
    atMost: 1_000,
  }));
  const { said, act } = useAct(refresh);
  return (
    <>
      <p class="quiet">
        Alerts and outcomes on the way to a file, a program or a web address, each tried until it arrives.{" "}
        <CopyCommand line={commandLine("errands")} />
      </p>
      <ActSaid said={said} />
      <Shown
        of={reading}
        what="the errands"
        isEmpty={(list) => list.length === 0}
        empty="Nothing waits for its destination."
      >
        {(list) => (
          <PlainTable label="Errands" heads={["Made", "To", "What", figure("Attempts"), "Next", "Why it failed", DO]}>
            {list.map(({ id, to, about, text, madeAt, attempts, dueAt, fault }) => (
              <tr key={id}>
                <td>
                  <Ago at={madeAt} />
                </td>
                <td>{to}</td>
                <td>
                  <span class="quiet">{about}</span> {text}
                </td>
                <td class="figure">{attempts}</td>
                <td>
                  <Ago at={dueAt} />
                </td>
                <td class="why">{fault}</td>
                <td class="do">
                  <Sure sure="try it now" onSure={() => act("It is tried.", client.retryErrand(id))}>
                    retry
                  </Sure>
                  <Sure sure="give it up" onSure={() => act("It is given up.", client.dropErrand(id))}>
                    drop
                  </Sure>
                </td>
              </tr>
            ))}
          </PlainTable>
        )}
      </Shown>
    </>
  );
}
