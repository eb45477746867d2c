import { bytes, span } from "../../../message/text/figures.ts";
import type { NodeDetail } from "../../../runtime/operate/table/nodes.ts";
import { figure, PlainTable } from "../../parts/plain-table.tsx";
import { byClock } from "../../store/clock-choice.ts";
import { theStore } from "../../store/store.ts";
import { meaningOf } from "../../text/glossary.ts";
import { counted } from "../../text/times.ts";

const SHOWN = 200;

/** The lanes to the node: one for each subject, with what waits on it and why. */
export function Lanes({ node: { name, lanes } }: { node: NodeDetail }) {
  const now = theStore().now.value;
  const shown = [...lanes].sort((a, b) => b.waiting - a.waiting || (a.subject < b.subject ? -1 : 1)).slice(0, SHOWN);
  return (
    <section class="block" aria-label="Lanes">
      <div class="block-head">
        <h2 title={meaningOf("lane")}>Lanes to {name}</h2>
      </div>
      {shown.length === 0 && <p class="empty">Nothing was ever sent to {name} from here.</p>}
      {shown.length > 0 && (
        <PlainTable
          label="Lanes"
          heads={["Subject", figure("Waiting"), figure("Size"), figure("On the way"), "Oldest", "Next deadline", "Why"]}
        >
          {shown.map(({ subject, waiting, bytes: size, inFlight, oldestCreatedAt, nextDeliverBy, reason, stuck }) => (
            <tr key={subject}>
              <td class="mono">{subject}</td>
              <td class="figure">{waiting}</td>
              <td class="figure">{size === 0 ? "" : bytes(size)}</td>
              <td class="figure">{inFlight}</td>
              <td>{oldestCreatedAt === null ? "" : span(Math.max(0, now - oldestCreatedAt))}</td>
              <td>{nextDeliverBy === null ? "" : `in ${span(Math.max(0, nextDeliverBy - now))}`}</td>
              <td class="why">{byClock(stuck === undefined ? reason : `stands still: ${stuck.reason}`)}</td>
            </tr>
          ))}
        </PlainTable>
      )}
      {lanes.length > SHOWN && (
        <p class="quiet">
          Shown are {SHOWN} of {counted(lanes.length, "lane")}.
        </p>
      )}
    </section>
  );
}
