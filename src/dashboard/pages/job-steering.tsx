import { useState } from "preact/hooks";
import type { JobDetail, JobNode } from "../../runtime/operate/table/jobs.ts";
import { useReading } from "../parts/hooks.ts";
import { Sure } from "../parts/sure.tsx";
import { CopyCommand } from "../parts/words.tsx";
import { sentenceOf } from "../store/client.ts";
import { urlOf } from "../store/router.ts";
import { theStore } from "../store/store.ts";
import { answerText, cancelText } from "../text/cancel-text.ts";
import { commandLine } from "../text/command-line.ts";
import { answersInAll, type JobVerb, jobVerbWords, onTheWay, running } from "../text/job-words.ts";
import { counted } from "../text/times.ts";

/** The verbs of each state of a job. */
const VERBS: Readonly<Record<string, readonly JobVerb[]>> = {
  draft: ["start", "cancel"],
  awaitingApproval: ["approve", "cancel"],
  scheduled: ["cancel"],
  running: ["pause", "promote", "abort", "cancel"],
  paused: ["resume", "promote", "abort", "cancel"],
};
const RETRIED = [
  { of: "failed", word: "retry the failed", count: ["failed", "rejected"] },
  { of: "notStarted", word: "retry the expired and cancelled", count: ["expired", "cancelled"] },
  { of: "unknown", word: "retry the unknown", count: ["unknown"] },
] as const;
/** Nodes of which the names are told beforehand. */
const NAMED = 4;
const MOST = 10_000;

/** A job that has not ended. */
export const isOpen = ({ state }: JobDetail): boolean => VERBS[state] !== undefined;

/** The verbs that do something to a job as it stands. One that has ended can be cancelled while messages of it have not. */
function verbsOf(job: JobDetail): readonly JobVerb[] {
  if (!isOpen(job)) return onTheWay(job.counts) + running(job.counts) > 0 ? ["cancel"] : [];
  return (VERBS[job.state] ?? []).filter((verb) => verb !== "promote" || job.wave + 1 < job.waves.length);
}

/** The buttons of a job, each with what it does, and the way to take back what has not begun. */
export function JobSteering({ job, refresh }: { job: JobDetail; refresh: () => void }) {
  const { client } = theStore();
  const [said, say] = useState("");
  const [answers, setAnswers] = useState<readonly Answered[]>([]);
  const act = async (done: Promise<unknown>): Promise<void> => {
    try {
      await done;
      say("");
    } catch (thrown) {
      say(sentenceOf(thrown));
    }
    refresh();
  };
  const way = onTheWay(job.counts);
  const { reading } = useReading<readonly JobNode[]>(`job on the way ${job.id} ${way}`, () => ({
    load: () => (way === 0 ? Promise.resolve([]) : nodesOnTheWay(job.id, NAMED)),
  }));
  const to = (reading.value ?? []).map(({ node }) => node);
  const steer = async (verb: JobVerb): Promise<void> => {
    setAnswers([]);
    const steered = await client.steerJob(job.id, verb, {});
    setAnswers(steered.answers.map((answer) => ({ node: answer.node, id: answer.id, text: answerText(answer) })));
  };
  const verbs = verbsOf(job);
  const retries = isOpen(job) ? [] : RETRIED.filter(({ count }) => count.some((kind) => job.counts[kind] > 0));
  return (
    <section class="steering" aria-label="What can be done with the job">
      <div class="actions">
        {verbs.map((verb) => (
          <Sure key={verb} sure={jobVerbWords(verb, job.counts, to, !isOpen(job))} onSure={() => act(steer(verb))}>
            {verb}
          </Sure>
        ))}
        {retries.map(({ of, word, count }) => (
          <Sure
            key={of}
            sure={`another attempt on ${counted(
              count.reduce((sum, kind) => sum + job.counts[kind], 0),
              "node",
            )}`}
            onSure={() => act(client.retryJob(job.id, { of }))}
          >
            {word}
          </Sure>
        ))}
        <CopyCommand line={commandLine("job", job.id)} />
      </div>
      {verbs.length > 0 && (
        <ul class="verb-words quiet">
          {verbs.map((verb) => (
            <li key={verb}>
              <strong>{verb}</strong>: {jobVerbWords(verb, job.counts, to, !isOpen(job))}
            </li>
          ))}
        </ul>
      )}
      {said !== "" && (
        <p class="fault" role="alert">
          ✗ {said}
        </p>
      )}
      <TakeBack job={job} to={to} refresh={refresh} answered={setAnswers} />
      {answers.length > 0 && <Answers of={answers} />}
    </section>
  );
}

async function nodesOnTheWay(id: string, limit: number): Promise<JobNode[]> {
  const { client } = theStore();
  const lists = await Promise.all([
    client.jobNodes(id, { state: "queued", limit }),
    client.jobNodes(id, { state: "received", limit }),
  ]);
  return lists.flat();
}

interface Answered {
  readonly node: string;
  readonly id: string;
  readonly text: string;
}

function Answers({ of: answers }: { of: readonly Answered[] }) {
  return (
    <div role="status">
      <p>{answersInAll(answers.map(({ text }) => text))}</p>
      <ul class="lanes">
        {answers.slice(0, 50).map(({ node, id, text }) => (
          <li key={id}>
            <a href={urlOf(["messages", id])}>{node}</a>: {text}
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Cancels the messages of a job that were released and have not begun, one by one: those that run go on. */
function TakeBack({
  job,
  to,
  refresh,
  answered,
}: {
  job: JobDetail;
  to: readonly string[];
  refresh: () => void;
  answered: (answers: readonly Answered[]) => void;
}) {
  const { client } = theStore();
  const [fault, setFault] = useState("");
  const way = onTheWay(job.counts);
  const takeBack = async (): Promise<void> => {
    setFault("");
    const got: Answered[] = [];
    try {
      for (const { node, id } of await nodesOnTheWay(job.id, MOST)) {
        const text = await client.cancel(id).then(cancelText, (thrown) => `not taken back: ${sentenceOf(thrown)}`);
        got.push({ node, id, text });
        answered([...got]);
      }
    } catch (thrown) {
      setFault(`Not taken back: ${sentenceOf(thrown)}`);
    }
    refresh();
  };
  const words = `${way} on ${way === 1 ? "its" : "their"} way ${way === 1 ? "has" : "have"} not begun`;
  // Where nothing of an ended job runs, its `cancel` does the same at once.
  const isChoice = job.state === "paused" || (!isOpen(job) && running(job.counts) > 0);
  return (
    <>
      {way > 0 && job.state !== "running" && (
        <p class="take-back">
          <span class="why">
            {words}
            {to.length > 0 && way <= NAMED && ` (${to.join(", ")})`}, and may still run.
          </span>{" "}
          {isChoice && (
            <Sure sure={`each of the ${way} is cancelled by itself`} onSure={takeBack}>
              {`take back the ${way} that ${way === 1 ? "has" : "have"} not begun`}
            </Sure>
          )}
        </p>
      )}
      {fault !== "" && (
        <p class="fault" role="alert">
          ✗ {fault}
        </p>
      )}
    </>
  );
}
