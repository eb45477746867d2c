import type { JobView } from "../../runtime/operate/table/jobs.ts";
import { useReading, useTitle } from "../parts/hooks.ts";
import { JobProgress } from "../parts/job-progress.tsx";
import { PlainTable } from "../parts/plain-table.tsx";
import { Shown } from "../parts/reading.tsx";
import { Ago, CopyCommand, StateWord } from "../parts/words.tsx";
import { ask, place, urlOf } from "../store/router.ts";
import { theStore } from "../store/store.ts";
import { commandLine } from "../text/command-line.ts";
import { jobLook } from "../text/looks.ts";
import { counted } from "../text/times.ts";

/** Jobs, newest first, live. */
export function Jobs() {
  useTitle("Jobs");
  const { client } = theStore();
  const { open = "" } = place.value.query;
  const { reading } = useReading<readonly JobView[]>(`jobs ${open}`, () => ({
    load: () => client.jobs({ limit: 200, ...(open === "" ? {} : { open: true }) }),
    on: ({ type }) => type === "job",
    every: 15_000,
    atMost: 700,
  }));
  return (
    <section class="page">
      <div class="page-head">
        <h1>Jobs</h1>
        <div class="choices" role="group" aria-label="Which jobs">
          <button type="button" aria-pressed={open === ""} onClick={() => ask({ open: "" })}>
            all
          </button>
          <button type="button" aria-pressed={open !== ""} onClick={() => ask({ open: "1" })}>
            open
          </button>
        </div>
        <span class="as-of actions">
          <a class="button" href="/run">
            A new one
          </a>
          <CopyCommand line={commandLine("jobs", open !== "" && "--open")} />
        </span>
      </div>
      <Shown
        of={reading}
        what="the jobs"
        isEmpty={(list) => list.length === 0}
        empty="There is no such job. A command that is sent in waves is a job: Run, In waves."
      >
        {(list) => (
          <PlainTable label="Jobs" kind="jobs" heads={["State", "What", "Target", "Wave", "Nodes", "Since"]}>
            {list.map((job) => (
              <tr key={job.id}>
                <td>
                  <StateWord look={jobLook(job.state)} title={job.cause} />
                </td>
                <td class="what">
                  <a data-row href={urlOf(["jobs", job.id])}>
                    {job.summary}
                  </a>
                  {job.note !== "" && <div class="quiet">{job.note}</div>}
                  <div class="quiet">{job.cause}</div>
                </td>
                <td class="mono">{job.target}</td>
                <td>
                  {Math.min(job.wave + 1, job.waves.length)} of {job.waves.length}
                </td>
                <td class="progress-cell">
                  {job.counts === undefined ? (
                    counted(job.nodes, "node")
                  ) : (
                    <JobProgress counts={job.counts} nodes={job.nodes} />
                  )}
                </td>
                <td>
                  <Ago at={job.since} />
                </td>
              </tr>
            ))}
          </PlainTable>
        )}
      </Shown>
    </section>
  );
}
