import type { MessageView } from "../../../runtime/operate/table/messages.ts";
import type { NodeDetail } from "../../../runtime/operate/table/nodes.ts";
import { useReading } from "../../parts/hooks.ts";
import { PlainTable } from "../../parts/plain-table.tsx";
import { Shown } from "../../parts/reading.tsx";
import { For, StateWord } from "../../parts/words.tsx";
import { byClock } from "../../store/clock-choice.ts";
import { urlOf } from "../../store/router.ts";
import { theStore } from "../../store/store.ts";
import { messageLook } from "../../text/looks.ts";

const LATEST = 100;
const THERE: ReadonlySet<string> = new Set(["received", "running", "unknown"]);

/** The commands that the node has and that have no outcome. */
export function Runs({ node: { name } }: { node: NodeDetail }) {
  const { client } = theStore();
  const { reading } = useReading<readonly MessageView[]>(`runs ${name}`, () => ({
    load: async () => {
      const open = await client.messages({ node: name, open: true, direction: "out", limit: LATEST });
      return open.filter(({ state }) => THERE.has(state));
    },
    on: (happening) => happening.type === "message" && happening.subject.startsWith(`${name}.`),
    every: 10_000,
    atMost: 500,
  }));
  return (
    <section class="block" aria-label="Commands under way">
      <div class="block-head">
        <h2>Runs there</h2>
      </div>
      <Shown
        of={reading}
        what="its commands under way"
        isEmpty={(list) => list.length === 0}
        empty={`No command is under way on ${name}.`}
      >
        {(list) => (
          <PlainTable label="Commands under way" heads={["State", "What", "For", "Why"]}>
            {list.map(({ id, state, summary, since, reason }) => (
              <tr key={id}>
                <td>
                  <StateWord look={messageLook(state)} />
                </td>
                <td class="what">
                  <a data-row href={urlOf(["messages", id])}>
                    {summary === "" ? "(no data)" : summary}
                  </a>
                </td>
                <td>
                  <For since={since} />
                </td>
                <td class="why">{byClock(reason)}</td>
              </tr>
            ))}
          </PlainTable>
        )}
      </Shown>
    </section>
  );
}
