import type { ApprovalView } from "../../../runtime/operate/table/operators.ts";
import { ActSaid, useAct } from "../../parts/act.tsx";
import { useReading } from "../../parts/hooks.ts";
import { DO, PlainTable } from "../../parts/plain-table.tsx";
import { Shown } from "../../parts/reading.tsx";
import { Sure } from "../../parts/sure.tsx";
import { Ago, At, CopyCommand } from "../../parts/words.tsx";
import { urlOf } from "../../store/router.ts";
import { theStore } from "../../store/store.ts";
import { commandLine } from "../../text/command-line.ts";
import { counted } from "../../text/times.ts";

/** Requests that wait for another operator's word. */
export function Approvals() {
  const { client } = theStore();
  const { reading, refresh } = useReading<readonly ApprovalView[]>("approvals", () => ({
    load: () => client.approvals(),
    on: ({ type }) => type === "message" || type === "job",
    every: 10_000,
    atMost: 1_000,
  }));
  const { said, act } = useAct(refresh);
  return (
    <>
      <p class="quiet">
        Requests of which steward.yaml asks that a second operator agrees.{" "}
        <CopyCommand line={commandLine("approvals")} />
      </p>
      <ActSaid said={said} />
      <Shown
        of={reading}
        what="the approvals"
        isEmpty={(list) => list.length === 0}
        empty="No request waits for an approval."
      >
        {(list) => (
          <PlainTable label="Approvals" heads={["Asked", "By", "What", "Nodes", "Ends", DO]}>
            {list.map(({ id, operator, subject, nodes, askedAt, endsAt, summary }) => (
              <tr key={id}>
                <td>
                  <Ago at={askedAt} />
                </td>
                <td>{operator}</td>
                <td class="what">
                  <a data-row href={urlOf(["messages", id])}>
                    {summary === "" ? subject : summary}
                  </a>
                  <div class="quiet mono">{subject}</div>
                </td>
                <td title={nodes.join(", ")}>
                  {nodes.slice(0, 5).join(", ")}
                  {nodes.length > 5 && ` and ${counted(nodes.length - 5, "more node")}`}
                </td>
                <td>{endsAt === null ? "when it is decided" : <At time={endsAt} day />}</td>
                <td class="do">
                  <Sure sure="let it go" onSure={() => act("It is on its way.", client.approve(id))}>
                    approve
                  </Sure>
                  <Sure sure="refuse it" onSure={() => act("It is refused, and ends as cancelled.", client.refuse(id))}>
                    refuse
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
