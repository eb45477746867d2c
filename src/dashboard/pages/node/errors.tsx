import type { NodeDetail } from "../../../runtime/operate/table/nodes.ts";
import { useReading } from "../../parts/hooks.ts";
import { figure, PlainTable } from "../../parts/plain-table.tsx";
import { Shown } from "../../parts/reading.tsx";
import { Ago, CopyCommand, StateWord } from "../../parts/words.tsx";
import { urlOf } from "../../store/router.ts";
import { theStore } from "../../store/store.ts";
import { commandLine } from "../../text/command-line.ts";
import { alertLook } from "../../text/looks.ts";

/** The alerts of the node that were not cleared. */
export function Errors({ node: { name } }: { node: NodeDetail }) {
  const { client } = theStore();
  const { reading } = useReading(`alerts of ${name}`, () => ({
    load: async () => (await client.alerts()).filter(({ node }) => node === name),
    on: ({ type }) => type === "alert",
    every: 15_000,
    atMost: 700,
  }));
  return (
    <section class="block" aria-label="Errors">
      <div class="block-head">
        <h2>Errors</h2>
        <span class="actions">
          <a href={urlOf(["inspection"], { tab: "alerts" })}>those of all nodes</a>
          <CopyCommand line={commandLine("alerts")} />
        </span>
      </div>
      <Shown
        of={reading}
        what="its alerts"
        isEmpty={(list) => list.length === 0}
        empty={`${name} has raised no alert that was not cleared.`}
      >
        {(list) => (
          <PlainTable label="Errors" heads={["State", "Last", "What", figure("Times")]}>
            {list.map(({ no, code, text, lastAt, count, state }) => (
              <tr key={no}>
                <td>
                  <StateWord look={alertLook(state)} live={false} />
                </td>
                <td>
                  <Ago at={lastAt} />
                </td>
                <td>
                  <span class="mono">{code}</span> {text}
                </td>
                <td class="figure">{count}</td>
              </tr>
            ))}
          </PlainTable>
        )}
      </Shown>
    </section>
  );
}
