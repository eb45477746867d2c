import { useEffect, useState } from "preact/hooks";
import { bytes, span } from "../../message/text/figures.ts";
import type { JobOrderOf, JobPlanView } from "../../runtime/operate/table/jobs.ts";
import type { Accepted, Order } from "../../runtime/operate/table/messages.ts";
import type { TargetView } from "../../runtime/operate/table/nodes.ts";
import { useReading, useTitle } from "../parts/hooks.ts";
import { At, CopyCommand, StateWord } from "../parts/words.tsx";
import { Refusal, sentenceOf } from "../store/client.ts";
import { ask, go, place, urlOf } from "../store/router.ts";
import { theStore } from "../store/store.ts";
import { commandLine, splitWords } from "../text/command-line.ts";
import { meaningOf } from "../text/glossary.ts";
import { linkLook } from "../text/looks.ts";
import { type Preview, previewOf } from "../text/preview.ts";
import { counted, readSpan } from "../text/times.ts";

type Data = Order["data"];

/** The fields of the page, as they are typed. */
interface Fields {
  readonly kind: "command" | "script";
  readonly line: string;
  readonly script: string;
  readonly deliverBy: string;
  readonly timeout: string;
  readonly domain: string;
  readonly waves: string;
  readonly soak: string;
  readonly maxFailed: string;
  readonly note: string;
}

const EMPTY: Fields = {
  kind: "command",
  line: "",
  script: "",
  deliverBy: "",
  timeout: "",
  domain: "operatingsystem",
  waves: "",
  soak: "",
  maxFailed: "",
  note: "",
};

/** A command for nodes: who is meant and what will happen is shown before anything is sent. */
export function Run() {
  useTitle("Run");
  const { to = "", again = "" } = place.value.query;
  return <Form key={again} to={to} again={again} />;
}

function Form({ to, again }: { to: string; again: string }) {
  const { client } = theStore();
  const [target, setTarget] = useState(to);
  const [fields, setFields] = useState<Fields>(EMPTY);
  const [sending, setSending] = useState(false);
  const [refused, setRefused] = useState<Refusal | undefined>(undefined);
  const [agreed, setAgreed] = useState("");
  useEffect(() => {
    if (again === "") return;
    client.message(again).then(
      ({ data }) => setFields((before) => ({ ...before, ...fieldsOf(data) })),
      (thrown: unknown) => setRefused(thrown instanceof Refusal ? thrown : undefined),
    );
  }, [again, client]);
  const change = (more: Partial<Fields>): void => {
    setFields({ ...fields, ...more });
    setRefused(undefined);
  };
  const { data, fault } = dataOf(fields);
  const deliverBy = fields.deliverBy.trim() === "" ? undefined : readSpan(fields.deliverBy);
  const timeout = fields.timeout.trim() === "" ? undefined : readSpan(fields.timeout);
  const wrongTime =
    fields.deliverBy.trim() !== "" && deliverBy === undefined
      ? "the time to wait is none: 30m, 2h, 7d or never"
      : fields.timeout.trim() !== "" && typeof timeout !== "number"
        ? "the time to run is none: 30s, 10m, 2h"
        : fields.soak.trim() !== "" && typeof readSpan(fields.soak) !== "number"
          ? "the pause after each wave is none: 30s, 10m, 2h"
          : undefined;
  const { meant, targetFault } = useMeant(target, data);
  const large = meant !== undefined && meant.nodes.length > meant.most;
  const order: Order | undefined =
    data === undefined || wrongTime !== undefined
      ? undefined
      : {
          subject: `command.shellcommand.${fields.domain.trim() || "operatingsystem"}`,
          to: target,
          data,
          knownNodesOnly: true,
          ...(deliverBy === undefined ? {} : { deliverBy }),
          ...(typeof timeout === "number" ? { timeout } : {}),
          ...(large ? { most: meant.nodes.length } : {}),
        };
  const asJob = isJob(fields) || (meant !== undefined && meant.nodes.length > 1);
  const plan = usePlan(asJob && order !== undefined ? { ...order, to: target, ...planOf(fields) } : undefined);
  const ready =
    meant !== undefined &&
    meant.nodes.length > 0 &&
    order !== undefined &&
    plan.fault === undefined &&
    (!asJob || plan.plan !== undefined) &&
    (!large || agreed === target);
  const send = async (): Promise<void> => {
    if (!ready || order === undefined) return;
    setSending(true);
    try {
      // The page of a job is where one comes back to a command for more than one node.
      if (asJob) {
        const job = await client.createJob({ ...order, to: target, ...planOf(fields) });
        go(urlOf(["jobs", job.id]));
        return;
      }
      const accepted: readonly Accepted[] = await client.submit([order]);
      const [first] = accepted;
      go(first === undefined ? urlOf(["messages"]) : urlOf(["messages", first.id]));
    } catch (thrown) {
      setRefused(thrown instanceof Refusal ? thrown : new Refusal("", sentenceOf(thrown)));
      setSending(false);
    }
  };
  return (
    <section class="page narrow">
      <div class="page-head">
        <h1>Run a command</h1>
      </div>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        <div class="field">
          <label for="target">On which nodes</label>
          <input
            id="target"
            class="code"
            type="text"
            data-filter
            spellcheck={false}
            autocomplete="off"
            placeholder="ship1,ship2   ship*   @north   class=tanker and online   all"
            value={target}
            aria-describedby="meant"
            onInput={(event) => {
              setTarget(event.currentTarget.value);
              ask({ to: event.currentTarget.value });
            }}
          />
          <div id="meant" aria-live="polite">
            <Meant target={target} meant={meant} fault={targetFault} />
          </div>
          {large && (
            <label class="why">
              <input
                type="checkbox"
                checked={agreed === target}
                onChange={() => setAgreed(agreed === target ? "" : target)}
              />{" "}
              These are {counted(meant.nodes.length, "node")}, more than the {meant.most} that need no second look. I
              mean all of them.
            </label>
          )}
        </div>
        <fieldset class="field">
          <legend>What</legend>
          <div class="choices-line">
            <label>
              <input
                type="radio"
                name="kind"
                checked={fields.kind === "command"}
                onChange={() => change({ kind: "command" })}
              />{" "}
              a program with arguments
            </label>
            <label>
              <input
                type="radio"
                name="kind"
                checked={fields.kind === "script"}
                onChange={() => change({ kind: "script" })}
              />{" "}
              a script
            </label>
          </div>
          {fields.kind === "command" ? (
            <>
              <input
                class="code"
                type="text"
                aria-label="Program and arguments"
                spellcheck={false}
                autocomplete="off"
                placeholder="df -h /"
                value={fields.line}
                onInput={(event) => change({ line: event.currentTarget.value })}
              />
              <p class="quiet">
                {fault === undefined && Array.isArray(data) ? (
                  <>
                    runs without a shell, as {counted(data.length, "word")}:{" "}
                    {data.map((word, i) => (
                      <code key={i} class="chip">
                        {String(word)}
                      </code>
                    ))}
                  </>
                ) : (
                  "Quotes join words. For pipes, variables and patterns take a script."
                )}
              </p>
            </>
          ) : (
            <textarea
              aria-label="Script"
              rows={9}
              spellcheck={false}
              placeholder={"#!/bin/bash\nset -e\ndf -h / | tail -1"}
              value={fields.script}
              onInput={(event) => change({ script: event.currentTarget.value })}
            />
          )}
          {fault !== undefined && fields.line !== "" && <p class="fault">{fault}</p>}
        </fieldset>
        <div class="fields">
          <div class="field">
            <label for="deliver-by">May wait to start</label>
            <input
              id="deliver-by"
              type="text"
              placeholder="the default; 2h, 7d, never"
              value={fields.deliverBy}
              onInput={(event) => change({ deliverBy: event.currentTarget.value })}
            />
          </div>
          <div class="field">
            <label for="timeout">May run</label>
            <input
              id="timeout"
              type="text"
              placeholder="the default; 30s, 2h"
              value={fields.timeout}
              onInput={(event) => change({ timeout: event.currentTarget.value })}
            />
          </div>
          <div class="field">
            <label for="domain" title={meaningOf("domain")}>
              Domain
            </label>
            <input
              id="domain"
              type="text"
              spellcheck={false}
              value={fields.domain}
              onInput={(event) => change({ domain: event.currentTarget.value })}
            />
          </div>
        </div>
        <details class="field" open={isJob(fields)}>
          <summary>In waves, as a job</summary>
          <div class="fields">
            <div class="field">
              <label for="waves" title={meaningOf("wave")}>
                Waves end at
              </label>
              <input
                id="waves"
                type="text"
                placeholder="1,10%,100%"
                value={fields.waves}
                onInput={(event) => change({ waves: event.currentTarget.value })}
              />
            </div>
            <div class="field">
              <label for="soak">Pause after each</label>
              <input
                id="soak"
                type="text"
                placeholder="none; 10m"
                value={fields.soak}
                onInput={(event) => change({ soak: event.currentTarget.value })}
              />
            </div>
            <div class="field">
              <label for="max-failed">Pause when more fail than</label>
              <input
                id="max-failed"
                type="text"
                placeholder="no bound; 2, 5%"
                value={fields.maxFailed}
                onInput={(event) => change({ maxFailed: event.currentTarget.value })}
              />
            </div>
            <div class="field">
              <label for="note">What it is for</label>
              <input
                id="note"
                type="text"
                value={fields.note}
                onInput={(event) => change({ note: event.currentTarget.value })}
              />
            </div>
          </div>
        </details>
        {wrongTime !== undefined && <p class="fault">{wrongTime}</p>}
        <WillHappen meant={meant} plan={plan.plan} data={data} deliverBy={deliverBy} timeout={timeout} />
        {plan.fault !== undefined && (
          <p class="fault" role="alert">
            ✗ The plan of the job does not hold: {plan.fault}
          </p>
        )}
        {refused !== undefined && (
          <p class="fault" role="alert">
            ✗ Nothing was sent: {sentenceOf(refused)}
          </p>
        )}
        <div class="actions">
          <button type="submit" class="first" disabled={!ready || sending}>
            {sending ? "sending …" : meant === undefined ? "Send" : `Send to ${counted(meant.nodes.length, "node")}`}
          </button>
          <CopyCommand line={commandOf(target, fields, asJob)} />
        </div>
      </form>
    </section>
  );
}

/** The nodes that the target means, asked of the daemon while it is typed. */
function useMeant(
  target: string,
  data: Data | undefined,
): { meant?: TargetView | undefined; targetFault?: string | undefined } {
  const [text, setText] = useState(target);
  useEffect(() => theStore().time.after(300, () => setText(target)), [target]);
  const size = data === undefined ? "" : JSON.stringify(data);
  const { reading } = useReading<{ readonly meant?: TargetView; readonly fault?: string }>(
    `target ${text} ${size.length}`,
    () => ({
      load: async () => {
        if (text.trim() === "") return {};
        try {
          const { client } = theStore();
          const meant = await client.resolve({ to: text, ...(data === undefined ? {} : { data }) });
          const fault = await nameFault(text);
          return fault === undefined ? { meant } : { fault };
        } catch (thrown) {
          if (thrown instanceof Refusal && thrown.status >= 400 && thrown.status < 500)
            return { fault: sentenceOf(thrown) };
          throw thrown;
        }
      },
      on: ({ type }) => type === "node",
      every: 10_000,
      atMost: 1_000,
    }),
  );
  if (text !== target) return {};
  return {
    meant: reading.fault === undefined ? reading.value?.meant : undefined,
    targetFault: reading.fault ?? reading.value?.fault,
  };
}

/** The refusal of a name that nobody knows, as sending would bring it; an expression for nodes is taken as it is. */
async function nameFault(to: string): Promise<string | undefined> {
  const { client } = theStore();
  try {
    await client.planJob({
      ...{ subject: "command.shellcommand.operatingsystem", to, data: ["true"] },
      knownNodesOnly: true,
    });
  } catch (thrown) {
    if (thrown instanceof Refusal && thrown.code === "node-unknown") return sentenceOf(thrown);
    if (!(thrown instanceof Refusal) || thrown.status < 400 || thrown.status >= 500) throw thrown;
  }
  return undefined;
}

/** The waves of the job that the order would make, as the daemon plans them; `undefined`: it is none, or not asked yet. */
function usePlan(order: JobOrderOf | undefined): { readonly plan?: JobPlanView; readonly fault?: string } {
  const text = order === undefined ? "" : JSON.stringify(order);
  const [asked, setAsked] = useState("");
  useEffect(() => theStore().time.after(400, () => setAsked(text)), [text]);
  const { reading } = useReading<{ readonly plan?: JobPlanView; readonly fault?: string }>(`plan ${asked}`, () => ({
    load: async () => {
      if (asked === "") return {};
      try {
        return { plan: await theStore().client.planJob(JSON.parse(asked) as JobOrderOf) };
      } catch (thrown) {
        if (thrown instanceof Refusal && thrown.status >= 400 && thrown.status < 500)
          return { fault: sentenceOf(thrown) };
        throw thrown;
      }
    },
  }));
  return asked === text ? (reading.value ?? {}) : {};
}

function Meant({ target, meant, fault }: { target: string; meant: TargetView | undefined; fault: string | undefined }) {
  const { rows } = theStore().nodes.mirror.value;
  if (target.trim() === "") return null;
  if (fault !== undefined) return <p class="meant none">✗ {fault}</p>;
  if (meant === undefined) return <p class="quiet">asking who that is …</p>;
  const shown = meant.nodes.slice(0, 60);
  return (
    <div class="meant">
      <strong>{counted(meant.nodes.length, "node")}</strong>
      {meant.away > 0 && `, ${meant.away} of them out of reach`}
      {meant.lacking.map(({ key, nodes }) => `; ${counted(nodes, "node")} without ${key}`)}
      <ul>
        {shown.map((name) => (
          <li key={name}>
            <StateWord
              look={{ ...linkLook(rows.get(name)?.link ?? "neverSeen"), word: name }}
              title={rows.get(name)?.link}
              live={false}
            />
          </li>
        ))}
        {meant.nodes.length > shown.length && <li class="quiet">and {meant.nodes.length - shown.length} more</li>}
      </ul>
    </div>
  );
}

/** The effects of sending, in words, before it is done. */
function WillHappen({
  meant,
  plan,
  data,
  deliverBy,
  timeout,
}: {
  meant: TargetView | undefined;
  plan: JobPlanView | undefined;
  data: Data | undefined;
  deliverBy: number | null | undefined;
  timeout: number | null | undefined;
}) {
  const { now, nodes } = theStore();
  if (meant === undefined || data === undefined || meant.nodes.length === 0) return null;
  const { there, away, held } = previewOf(meant, nodes.mirror.value.rows, now.value, deliverBy);
  const inWaves = plan !== undefined && (plan.waves.length > 1 || plan.beginAt !== null);
  return (
    <div class="meant" aria-live="polite">
      <strong>What will happen</strong>
      <ul>
        {there > 0 && (
          <li>
            {counted(there, "node")} in reach: it is sent there {inWaves ? "at the turn of each" : "at once"}.
          </li>
        )}
        {held.length > 0 && <HeldNodes held={held} />}
        {away > 0 && (
          <li>
            {counted(away, "node")} out of reach: it waits on disk, <Waits deliverBy={deliverBy} now={now.value} />.
          </li>
        )}
        <li>
          It starts at most once on each node
          {typeof timeout === "number" ? `, and is ended after ${span(timeout)}` : ""}.
        </li>
        {plan !== undefined && (
          <li>
            It is one job
            {plan.waves.length > 1 &&
              `, in ${plan.waves.length} waves of ${plan.waves.map((end, i) => end - (plan.waves[i - 1] ?? 0)).join(", ")} nodes`}
            {plan.beginAt !== null && (
              <>
                ; it begins <At time={plan.beginAt} day />
              </>
            )}
            . Its page follows.
          </li>
        )}
        {meant.bytes !== undefined && <li>{bytes(meant.bytes)} to each node.</li>}
      </ul>
    </div>
  );
}

function Waits({ deliverBy, now }: { deliverBy: number | null | undefined; now: number }) {
  if (deliverBy === undefined) return <>as long as the default of the configuration allows</>;
  if (deliverBy === null) return <>for ever</>;
  return (
    <>
      until <At time={now + deliverBy} day />
    </>
  );
}

/** The nodes to which nothing is delivered now, each with the end of its hold. */
function HeldNodes({ held }: { held: Preview["held"] }) {
  return (
    <li>
      {counted(held.length, "node")} held for maintenance: nothing is sent there; it waits on disk until the hold ends,
      and its deadline counts.
      {held.slice(0, 5).map(({ name, hold: { by, note, endsAt }, expires }) => (
        <div key={name} class="why">
          {name}: held{" "}
          {endsAt === null ? (
            "until it is released"
          ) : (
            <>
              until <At time={endsAt} day />
            </>
          )}
          , waits (by {by}
          {note === undefined ? "" : `: ${note}`}){expires && "; it will have expired by then"}
        </div>
      ))}
      {held.length > 5 && <div class="why">and {held.length - 5} more</div>}
    </li>
  );
}

/** True where a field asks for more than one sending to all at once. */
function isJob({ waves, soak, maxFailed, note }: Fields): boolean {
  return [waves, soak, maxFailed, note].some((text) => text.trim() !== "");
}

function planOf({ waves, soak, maxFailed, note }: Fields): {
  waves?: string;
  soak?: number;
  max?: string[];
  note?: string;
} {
  const pause = readSpan(soak);
  return {
    ...(waves.trim() === "" ? {} : { waves: waves.trim() }),
    ...(typeof pause === "number" ? { soak: pause } : {}),
    ...(maxFailed.trim() === "" ? {} : { max: [`failed=${maxFailed.trim()}`] }),
    ...(note.trim() === "" ? {} : { note: note.trim() }),
  };
}

function dataOf({ kind, line, script }: Fields): { readonly data?: Data; readonly fault?: string } {
  if (kind === "script") return script.trim() === "" ? {} : { data: { script } };
  const { words, fault } = splitWords(line);
  if (fault !== undefined) return { fault };
  return words.length === 0 ? {} : { data: words };
}

/** The fields of a command that was sent before. */
function fieldsOf(data: unknown): Partial<Fields> {
  const { argv = data, script } = Object(data) as { argv?: unknown; script?: unknown };
  if (typeof script === "string") return { kind: "script", script };
  if (!Array.isArray(argv)) return {};
  const quoted = argv.map((word) =>
    /^[^\s'"\\]+$/.test(String(word)) ? String(word) : `'${String(word).replaceAll("'", `'\\''`)}'`,
  );
  return { kind: "command", line: quoted.join(" ") };
}

function commandOf(target: string, fields: Fields, asJob: boolean): string {
  const { kind, line, script, deliverBy, timeout, domain, waves, soak, maxFailed, note } = fields;
  const { words } = splitWords(line);
  return commandLine(
    "run",
    target === "" ? "TARGET" : target,
    ...(domain.trim() === "operatingsystem" || domain.trim() === "" ? [] : ["--domain", domain.trim()]),
    ...(deliverBy.trim() === "" ? [] : ["--deliver-by", deliverBy.trim()]),
    ...(timeout.trim() === "" ? [] : ["--timeout", timeout.trim()]),
    asJob && !isJob(fields) && "--job",
    ...(waves.trim() === "" ? [] : ["--waves", waves.trim()]),
    ...(soak.trim() === "" ? [] : ["--soak", soak.trim()]),
    ...(maxFailed.trim() === "" ? [] : ["--max", `failed=${maxFailed.trim()}`]),
    ...(note.trim() === "" ? [] : ["--note", note.trim()]),
    kind === "script" && "--script",
    "--",
    ...(kind === "script" ? [script] : words),
  );
}
