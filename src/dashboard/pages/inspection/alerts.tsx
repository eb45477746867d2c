import { useState } from "preact/hooks";
import { useReading } from "../../parts/hooks.ts";
import { DO, figure, PlainTable } from "../../parts/plain-table.tsx";
import { Shown } from "../../parts/reading.tsx";
import { Sure } from "../../parts/sure.tsx";
import { Ago, CopyCommand, StateWord } from "../../parts/words.tsx";
import { sentenceOf } from "../../store/client.ts";
import { urlOf } from "../../store/router.ts";
import { theStore } from "../../store/store.ts";
import { commandLine } from "../../text/command-line.ts";
import { alertLook } from "../../text/looks.ts";

/** Alerts: faults that nobody has cleared. */
export function Alerts() {
  const { client } = theStore();
  const { reading, refresh } = useReading("alerts", () => ({
    load: () => client.alerts(),
    on: ({ type }) => type === "alert",
    every: 10_000,
    atMost: 500,
  }));
  const [said, say] = useState("");
  const clear = async (no: number): Promise<void> => {
    try {
      await client.clearAlert(no);
      say("");
    } catch (thrown) {
      say(`not cleared: ${sentenceOf(thrown)}`);
    }
    refresh();
  };
  return (
    <div class="scrolling">
      <p class="quiet">
        What went wrong and was not cleared, of all nodes. <CopyCommand line={commandLine("alerts")} />
      </p>
      <p role="status" class="fault">
        {said}
      </p>
      <Shown of={reading} what="the alerts" isEmpty={(list) => list.length === 0} empty="There is no alert.">
        {(list) => (
          <PlainTable label="Alerts" heads={["State", "Last", "Node", "What", figure("Times"), DO]}>
            {list.map(({ no, node, code, text, lastAt, count, state }) => (
              <tr key={no}>
                <td>
                  <StateWord look={alertLook(state)} live={false} />
                </td>
                <td>
                  <Ago at={lastAt} />
                </td>
                <td>
                  <a href={urlOf(["nodes", node])}>{node}</a>
                </td>
                <td>
                  <span class="mono">{code}</span> {text}
                </td>
                <td class="figure">{count}</td>
                <td class="do">
                  <Sure sure="clear it" onSure={() => clear(no)}>
                    clear
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
