import type { NodeDetail } from "../../../runtime/operate/table/nodes.ts";
import type { ScheduleViewOf } from "../../../runtime/operate/table/schedules.ts";
import { useReading } from "../../parts/hooks.ts";
import { PlainTable } from "../../parts/plain-table.tsx";
import { Shown } from "../../parts/reading.tsx";
import { Ago, CopyCommand, StateWord } from "../../parts/words.tsx";
import { theStore } from "../../store/store.ts";
import { commandLine } from "../../text/command-line.ts";
import { messageLook, scheduleLook } from "../../text/looks.ts";

/** The schedules that the node holds by itself, as it has told, with the latest run of each. */
export function Schedules({ node: { name } }: { node: NodeDetail }) {
  const { client } = theStore();
  const { reading } = useReading<readonly ScheduleViewOf[]>(`schedules ${name}`, () => ({
    load: () => client.schedules({ node: name }),
    every: 15_000,
  }));
  return (
    <section class="block" aria-label="Schedules">
      <div class="block-head">
        <h2>Schedules</h2>
        <CopyCommand line={commandLine("schedules", name)} />
      </div>
      <Shown
        of={reading}
        what="its schedules"
        isEmpty={(list) => list.length === 0}
        empty={`${name} has told of no schedule that it holds.`}
      >
        {(list) => (
          <PlainTable label="Schedules" heads={["Name", "State", "When", "Next", "What", "Last run", "From"]}>
            {list.map((schedule) => {
              const run = schedule.runs.at(-1);
              return (
                <tr key={schedule.name}>
                  <td title={schedule.note}>{schedule.name}</td>
                  <td>
                    <StateWord look={scheduleLook(schedule.state)} title={schedule.cause} />
                  </td>
                  <td>
                    {schedule.when} <span class="quiet">{schedule.zone}</span>
                  </td>
                  <td>{schedule.nextAt === null ? "" : <Ago at={schedule.nextAt} />}</td>
                  <td class="what mono">{schedule.summary}</td>
                  <td title={run?.output}>
                    {run === undefined ? (
                      <span class="quiet">none yet</span>
                    ) : (
                      <>
                        <StateWord look={messageLook(run.state)} live={false} /> <Ago at={run.endedAt} />
                        {run.reason !== undefined && <div class="why">{run.reason}</div>}
                      </>
                    )}
                  </td>
                  <td>{schedule.from}</td>
                </tr>
              );
            })}
          </PlainTable>
        )}
      </Shown>
    </section>
  );
}
