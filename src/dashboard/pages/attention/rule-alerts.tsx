import type { OpenAlertView } from "../../../runtime/operate/table/alerts.ts";
import { PlainTable } from "../../parts/plain-table.tsx";
import { Shown } from "../../parts/reading.tsx";
import { useReading } from "../../parts/use.ts";
import { Ago, CopyCommand, For, StateWord } from "../../parts/words.tsx";
import { urlOf } from "../../store/router.ts";
import { theStore } from "../../store/store.ts";
import { commandLine } from "../../text/command-line.ts";

/** The findings of the rules of the configuration that are not over. */
export function RuleAlerts() {
  const { client } = theStore();
  const { reading } = useReading<readonly OpenAlertView[]>("rule alerts", () => ({
    load: () => client.openAlerts(),
    on: ({ type }) => type === "node" || type === "alert",
    every: 10_000,
    atMost: 1_000,
  }));
  return (
    <>
      <p class="quiet">
        What the rules under <code>alerts:</code> in steward.yaml have found and is not over.{" "}
        <CopyCommand line={commandLine("alerts")} />
      </p>
      <Shown
        of={reading}
        what="the alerts of rules"
        isEmpty={(list) => list.length === 0}
        empty="No rule has found anything that is not over."
      >
        {(list) => (
          <PlainTable label="Alerts of rules" heads={["State", "For", "Rule", "Node", "What", "Told"]}>
            {list.map(({ rule, node, text, since, toldAt, goneAt, muted, to }) => (
              <tr key={`${rule} ${node}`}>
                <td>
                  <StateWord
                    look={
                      goneAt === undefined
                        ? { symbol: "!", word: "raised", tone: "bad" }
                        : { symbol: "◐", word: "fading", tone: "warn" }
                    }
                    title={goneAt === undefined ? undefined : "The condition is gone, though not for long enough yet"}
                  />
                </td>
                <td>
                  <For since={since} />
                </td>
                <td>{rule}</td>
                <td>
                  <a data-row href={urlOf(["nodes", node])}>
                    {node}
                  </a>
                </td>
                <td>{text}</td>
                <td>
                  {muted === true ? (
                    <span class="quiet">not told: its node is muted</span>
                  ) : (
                    <>
                      <Ago at={toldAt} never="not yet" /> <span class="quiet">to {to.join(", ")}</span>
                    </>
                  )}
                </td>
              </tr>
            ))}
          </PlainTable>
        )}
      </Shown>
    </>
  );
}
