import type { OpenAlertView } from "../../../runtime/operate/table/alerts.ts";
import { useReading } from "../../parts/hooks.ts";
import { PlainTable } from "../../parts/plain-table.tsx";
import { Shown } from "../../parts/reading.tsx";
import { Ago, CopyCommand, For, StateWord } from "../../parts/words.tsx";
import { urlOf } from "../../store/router.ts";
import { theStore } from "../../store/store.ts";
import { commandLine } from "../../text/command-line.ts";
import { counted } from "../../text/times.ts";
import { Elsewhere } from "./elsewhere.tsx";

/** The findings of the rules of the configuration that are not over. */
export function RuleAlerts() {
  const { client, health } = theStore();
  const rules = health.reading.value.value?.alertRules;
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
        empty={<NoneFound rules={rules} />}
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
      <Elsewhere />
    </>
  );
}

/** An empty list of findings is no all-clear where nothing looks. `rules`: how many there are, where the daemon says it. */
function NoneFound({ rules }: { rules: number | undefined }) {
  if (rules === 0)
    return (
      <>
        No alert rules are set: nobody is told of anything. They stand under <code>alerts:</code> in steward.yaml
        (docs/alerts.md).
      </>
    );
  if (rules === undefined) return <>No rule has found anything that is not over.</>;
  return (
    <>
      {rules === 1 ? "The one rule has found nothing" : `None of ${counted(rules, "rule")} has found anything`} that is
      not over.
    </>
  );
}
