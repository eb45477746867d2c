import { took } from "../../message/text/figures.ts";
import type { JobDetail, JobNode, JobResult } from "../../runtime/operate/table/jobs.ts";
import { useReading, useTitle } from "../parts/hooks.ts";
import { COUNTS, JobProgress } from "../parts/job-progress.tsx";
import { Shown } from "../parts/reading.tsx";
import { Cell, Head, VirtualTable } from "../parts/virtual-rows.tsx";
import { Ago, At, For, StateWord } from "../parts/words.tsx";
import { byClock } from "../store/clock-choice.ts";
import { ask, place, urlOf } from "../store/router.ts";
import { theStore } from "../store/store.ts";
import { pictured } from "../text/ansi.ts";
import { countLook, jobLook, messageLook } from "../text/looks.ts";
import { counted } from "../text/times.ts";
import { isOpen, JobSteering } from "./job-steering.tsx";

/** A job of more nodes is listed anew less often. */
const MANY = 500;
/** One job: its waves, its counts, which are links to its nodes, its outputs, and what may be done with it. */
export function JobPage({ id }: { id: string }) {
  useTitle(`job ${id}`);
  const { client } = theStore();
  const { reading, refresh } = useReading<JobDetail>(`job ${id}`, () => ({
    load: () => client.job(id),
    // The counts of a job that has ended still change with its messages, and no happening names the job of a message.
    on: (happening) => happening.type === "message" || (happening.type === "job" && happening.id === id),
    every: 10_000,
    atMost: 500,
  }));
  return (
    <section class="page full">
      <p class="crumbs">
        <a href="/jobs">Jobs</a> ›
      </p>
      <Shown of={reading} what={`job ${id}`}>
        {(job) => <Body job={job} refresh={refresh} />}
      </Shown>
    </section>
  );
}

function Body({ job, refresh }: { job: JobDetail; refresh: () => void }) {
  const { state: chosen = "", tab = "" } = place.value.query;
  return (
    <>
      <div class="page-head">
        <h1 class="mono summary" title={job.summary}>
          {job.summary}
        </h1>
        <StateWord look={jobLook(job.state)} />
        <span class="quiet">
          for <For since={job.since} />, {job.cause}
        </span>
      </div>
      <JobSteering job={job} refresh={refresh} />
      {job.note !== "" && <p>{job.note}</p>}
      {job.stuck !== undefined && <p class="why">Nothing is released: {byClock(job.stuck)}</p>}
      <p class="quiet">
        <code>{job.target}</code>, by {job.by}, <Ago at={job.createdAt} />
        {job.beginAt !== null && (
          <>
            {" "}
            · begins <At time={job.beginAt} day />
          </>
        )}
        {job.untilAt !== null && (
          <>
            {" "}
            · no message begins after <At time={job.untilAt} day />
          </>
        )}
        {job.plan.every !== null && ` · again ${job.plan.every}`}
        {job.plan.window !== null && ` · within ${job.plan.window}`}
      </p>
      <Waves job={job} />
      <div class="counters" role="group" aria-label="Only the nodes of this count">
        <button type="button" class="counter" aria-pressed={chosen === ""} onClick={() => ask({ state: "", tab: "" })}>
          <strong>{job.nodes}</strong> nodes
        </button>
        {COUNTS.filter((kind) => job.counts[kind] > 0).map((kind) => (
          <button
            type="button"
            key={kind}
            class="counter"
            aria-pressed={chosen === kind}
            onClick={() => ask({ state: kind === chosen ? "" : kind, tab: "" })}
          >
            <strong>{job.counts[kind]}</strong> <StateWord look={countLook(kind)} />
          </button>
        ))}
        <button
          type="button"
          class="counter"
          aria-pressed={tab === "outputs"}
          onClick={() => ask({ tab: tab === "outputs" ? "" : "outputs" })}
        >
          outputs, equal ones once
        </button>
      </div>
      {job.holds.length > 0 && (
        <ul class="lanes">
          {job.holds.map(({ reason, text, nodes }) => (
            <li key={`${reason} ${text}`}>
              {counted(nodes, "message")} held: <span class="why">{text === "" ? reason : byClock(text)}</span>
            </li>
          ))}
        </ul>
      )}
      {tab === "outputs" ? <Outputs job={job} /> : <Nodes job={job} kind={chosen} />}
    </>
  );
}

/** The waves, with the one that runs. */
function Waves({ job }: { job: JobDetail }) {
  const { waves, wave, nodes, counts } = job;
  return (
    <div class="waves">
      <JobProgress counts={counts} nodes={nodes} />
      {waves.length > 1 && (
        <ol>
          {waves.map((end, i) => {
            const size = end - (waves[i - 1] ?? 0);
            const isNow = i === wave && isOpen(job);
            return (
              <li key={end} class={isNow ? "now" : ""} aria-current={isNow ? "step" : undefined}>
                <span aria-hidden="true">{i < wave || !isOpen(job) ? "✓" : isNow ? "▶" : "○"}</span> wave {i + 1}:{" "}
                {counted(size, "node")}
              </li>
            );
          })}
        </ol>
      )}
    </div>
  );
}

function Nodes({ job, kind }: { job: JobDetail; kind: string }) {
  const { client } = theStore();
  const { reading } = useReading<readonly JobNode[]>(`job nodes ${job.id} ${kind}`, () => ({
    load: () => client.jobNodes(job.id, { limit: 10_000, ...(kind === "" ? {} : { state: kind as JobNode["kind"] }) }),
    on: (happening) => happening.type === "message" || (happening.type === "job" && happening.id === job.id),
    every: 10_000,
    atMost: job.nodes > MANY ? 3_000 : 600,
  }));
  return (
    <Shown
      of={reading}
      what="its nodes"
      isEmpty={(list) => list.length === 0}
      empty="No node of this job is in that state."
    >
      {(list) => (
        <VirtualTable
          label="Nodes of the job"
          kind="of-job-nodes"
          count={list.length}
          height={innerWidth < 720 ? 74 : 30}
          head={
            <>
              <Head name="node">Node</Head>
              <Head name="state">State</Head>
              <Head name="took">Took</Head>
              <Head name="attempt">Attempt</Head>
              <Head name="reason">Why</Head>
              <Head name="id">Message</Head>
            </>
          }
          row={(index) => <NodeRow node={list[index]} />}
        />
      )}
    </Shown>
  );
}

function NodeRow({ node: one }: { node: JobNode | undefined }) {
  if (one === undefined) return null;
  const { node, kind, state, code, reason, id, attempt } = one;
  return (
    <>
      <Cell name="node">
        <a href={urlOf(["nodes", node])}>{node}</a>
      </Cell>
      <Cell name="state">
        <StateWord look={kind === "queued" ? countLook(kind) : messageLook(state)} />
        {kind === "queued" && state === "held" && <span class="since">its node is held</span>}
        {code !== undefined && code !== 0 && <span class="since">exit {code}</span>}
      </Cell>
      <Cell name="took">{one.took === undefined ? "" : took(one.took)}</Cell>
      <Cell name="attempt">{attempt === 1 ? "" : attempt}</Cell>
      <Cell name="reason" title={byClock(reason)}>
        {byClock(reason)}
      </Cell>
      <Cell name="id">
        <a data-row href={urlOf(["messages", id])}>
          {id}
        </a>
      </Cell>
    </>
  );
}

/** Outputs, equal ones once with their nodes, the most frequent first. */
function Outputs({ job }: { job: JobDetail }) {
  const { client } = theStore();
  const { reading } = useReading<readonly JobResult[]>(`job results ${job.id}`, () => ({
    load: () => client.jobResults(job.id),
    on: (happening) => happening.type === "job" && happening.id === job.id,
    every: 30_000,
    atMost: 2_000,
  }));
  return (
    <div class="scrolling">
      <Shown
        of={reading}
        what="its outputs"
        isEmpty={(list) => list.length === 0}
        empty="No node has printed anything yet."
      >
        {(list) => (
          <>
            {list.map(({ kind, code, nodes, stdout, stderr, cut }) => (
              <section
                class="block"
                key={`${kind} ${nodes[0]}`}
                aria-label={`Output of ${counted(nodes.length, "node")}`}
              >
                <div class="block-head">
                  <h2>
                    {counted(nodes.length, "node")} <StateWord look={countLook(kind)} />
                    {code !== undefined && code !== 0 && ` exit ${code}`}
                  </h2>
                  <span class="quiet">
                    {nodes.slice(0, 12).join(", ") + (nodes.length > 12 ? ` and ${nodes.length - 12} more` : "")}
                  </span>
                </div>
                {stdout === "" && stderr === "" && <p class="quiet">printed nothing</p>}
                {stdout !== "" && <pre class="data">{pictured(stdout).slice(0, 50_000)}</pre>}
                {stderr !== "" && <pre class="data errors">{pictured(stderr).slice(0, 50_000)}</pre>}
                {cut === true && <p class="quiet">There is more than what is shown here.</p>}
              </section>
            ))}
          </>
        )}
      </Shown>
    </div>
  );
}
