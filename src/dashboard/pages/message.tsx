import { useEffect, useMemo, useState } from "preact/hooks";
import { bytes, took } from "../../message/text/figures.ts";
import type { MessageDetail } from "../../runtime/operate/table/messages.ts";
import { useReading, useTitle } from "../parts/hooks.ts";
import { OutputView } from "../parts/output-view.tsx";
import { Shown } from "../parts/reading.tsx";
import { Sure } from "../parts/sure.tsx";
import { Ago, At, CopyCommand, For, StateWord } from "../parts/words.tsx";
import { sentenceOf } from "../store/client.ts";
import { byClock } from "../store/clock-choice.ts";
import { go, urlOf } from "../store/router.ts";
import { theStore } from "../store/store.ts";
import { pictured } from "../text/ansi.ts";
import { cancelText } from "../text/cancel-text.ts";
import { commandLine } from "../text/command-line.ts";
import { meaningOf } from "../text/glossary.ts";
import { messageLook } from "../text/looks.ts";
import { OutputLines } from "../text/output.ts";

/** One message: its history and who asserted each state, its output as it comes, and how to take it back. */
export function MessagePage({ id }: { id: string }) {
  useTitle(id);
  const { client } = theStore();
  const { reading, refresh } = useReading<MessageDetail>(`message ${id}`, () => ({
    load: () => client.message(id),
    on: (happening) => happening.type === "message" && happening.id === id,
    completedBy: "output",
    every: 20_000,
    atMost: 200,
  }));
  const full = reading.value?.id;
  useEffect(() => {
    if (full !== undefined && full !== id) go(urlOf(["messages", full]), true);
  }, [full, id]);
  return (
    <section class="page full message-page">
      <p class="crumbs">
        <a href="/messages">Messages</a> ›
      </p>
      <Shown of={reading} what={`message ${id}`}>
        {(message) => <Body message={message} refresh={refresh} readAt={reading.readAt} />}
      </Shown>
    </section>
  );
}

function Body({ message, refresh, readAt }: { message: MessageDetail; refresh: () => void; readAt: number }) {
  const {
    id,
    subject,
    state,
    since,
    summary,
    final,
    reason,
    code,
    conflict,
    cancelAnswer,
    cancelRequestedAt,
    outcome,
    origin,
  } = message;
  const [node = ""] = subject.split(".");
  const isCommand = subject.split(".")[1] === "command";
  return (
    <>
      <div class="page-head">
        <h1 class="mono summary" title={summary}>
          {summary === "" ? "(no data)" : summary}
        </h1>
        <StateWord look={messageLook(state)} />
        {code !== undefined && <span>exit {code}</span>}
        {outcome?.startedAt !== undefined && <span class="quiet">took {took(outcome.at - outcome.startedAt)}</span>}
        <span class="quiet">
          <Ago at={since} />
        </span>
        <span class="as-of actions">
          {isCommand && !final && <Cancel id={id} onDone={refresh} />}
          {isCommand && (
            <a class="button" href={urlOf(["run"], { to: node, again: id })}>
              Run again …
            </a>
          )}
          <CopyCommand line={commandLine("message", id)} />
        </span>
      </div>
      {reason !== undefined && <p class="why lead-reason">{pictured(byClock(reason))}</p>}
      {conflict !== undefined && (
        <p class="fault">
          ✗ {conflict.by} also said {messageLook(conflict.state).word}: the first word stands.
        </p>
      )}
      {cancelRequestedAt !== undefined && cancelAnswer === undefined && !final && (
        <p class="why">
          {node} was asked <Ago at={cancelRequestedAt} /> to end it, and has not answered yet.
        </p>
      )}
      {cancelAnswer !== undefined && (
        <p class="why">
          The answer of {node} to the request to cancel it: <strong>{CANCEL_WORDS[cancelAnswer.kind]}</strong>
          {cancelAnswer.reason === undefined ? "" : `: ${cancelAnswer.reason}`}
        </p>
      )}
      <div class="message-parts">
        <aside>
          <History message={message} />
          <dl class="pairs">
            <div>
              <dt>to</dt>
              <dd>
                <a href={urlOf(["nodes", node])}>{node}</a>
              </dd>
            </div>
            <div>
              <dt>from</dt>
              <dd>{origin}</dd>
            </div>
            <AskedBy message={message} />
            <div>
              <dt title={meaningOf("subject")}>subject</dt>
              <dd class="mono">{subject}</dd>
            </div>
            <div>
              <dt>id</dt>
              <dd class="mono">{id}</dd>
            </div>
            <div>
              <dt>created</dt>
              <dd>
                <At time={message.createdAt} day />
              </dd>
            </div>
            <div>
              <dt>may wait until</dt>
              <dd>{message.deliverBy === null ? "for ever" : <At time={message.deliverBy} day />}</dd>
            </div>
            {message.timeout !== null && (
              <div>
                <dt>may run</dt>
                <dd>{took(message.timeout)}</dd>
              </div>
            )}
            <div>
              <dt>sendings</dt>
              <dd>{message.attempts}</dd>
            </div>
            {message.job !== undefined && (
              <div>
                <dt>of the job</dt>
                <dd>
                  <a class="mono" href={urlOf(["jobs", message.job])}>
                    {message.job}
                  </a>
                </dd>
              </div>
            )}
            {message.inReplyTo !== undefined && (
              <div>
                <dt>answers</dt>
                <dd>
                  <a class="mono" href={urlOf(["messages", message.inReplyTo])}>
                    {message.inReplyTo}
                  </a>
                </dd>
              </div>
            )}
          </dl>
          <details>
            <summary>Data</summary>
            <pre class="data">{pictured(JSON.stringify(message.data, null, 2) ?? "").slice(0, 100_000)}</pre>
          </details>
        </aside>
        <Output message={message} refresh={refresh} readAt={readAt} />
      </div>
    </>
  );
}

/** The one who ordered the message: as it carries, or as the audit of this daemon recorded it. */
function AskedBy({ message }: { message: MessageDetail }) {
  const { client } = theStore();
  const { id, createdAt, operator, signed, direction } = message;
  // A message that was held is created anew when it is released; its id is of the order.
  const askedAt = Math.min(createdAt, timeOfId(id) ?? createdAt);
  const { reading } = useReading<string | undefined>(`asked by ${id}`, () => ({
    load: async () => {
      if (operator !== undefined || direction !== "out") return operator;
      const [record] = await client.audit({ what: "submit", message: id, since: askedAt - A_MOMENT, limit: 1 });
      return record?.by;
    },
  }));
  if (reading.value === undefined) return null;
  return (
    <div>
      <dt>asked by</dt>
      <dd>
        {reading.value}
        {signed === true && ", signed"},{" "}
        <a href={urlOf(["inspection"], { tab: "audit", message: id })}>the audit of it</a>
      </dd>
    </div>
  );
}

/** The audit's time of an order and the message's own differ by no more, ms. */
const A_MOMENT = 5_000;

/** The time in an id, ms: its first ten characters are digits to the base of 32. */
function timeOfId(id: string): number | undefined {
  const digits = [...id.slice(0, 10)].map((digit) => "0123456789ABCDEFGHJKMNPQRSTVWXYZ".indexOf(digit));
  return digits.includes(-1) ? undefined : digits.reduce((time, digit) => time * 32 + digit, 0);
}

const CANCEL_WORDS = { done: "done", tooLate: "too late: it had ended", refused: "refused" } as const;

function History({ message }: { message: MessageDetail }) {
  return (
    <section aria-label="History">
      <h2>History</h2>
      <ol class="history">
        {message.history.map((said, i) => (
          <li key={`${said.state} ${said.by} ${i}`}>
            <StateWord look={messageLook(said.state)} live={false} />
            <span class="quiet">
              says <strong>{said.by}</strong>, <At time={said.at} />
            </span>
            {said.reason !== undefined && <span class="why">{pictured(byClock(said.reason))}</span>}
          </li>
        ))}
        {!message.final && message.history.at(-1)?.state !== message.state && (
          <li>
            <StateWord look={messageLook(message.state)} />
            <span class="quiet">now, as the daemon here sees it</span>
          </li>
        )}
        {!message.final && (
          <li class="open-end">
            <span class="quiet">
              open for <For since={message.createdAt} />
            </span>
          </li>
        )}
      </ol>
    </section>
  );
}

/** The output, as it comes over the stream; all of it is read again with the message. */
function Output({ message, refresh, readAt }: { message: MessageDetail; refresh: () => void; readAt: number }) {
  const { id, output, outcome, final } = message;
  const lines = useMemo(() => new OutputLines(), [id]);
  const [version, setVersion] = useState(0);
  useMemo(() => {
    lines.take(output, final);
    if (final) lines.finish(outcome?.totals);
  }, [lines, readAt]);
  useEffect(() => {
    const { listen, time } = { listen: theStore().listen.bind(theStore()), time: theStore().time };
    let shown = true;
    let waits = false;
    const stop = listen(["output"], (happening) => {
      if (happening.type !== "output" || happening.id !== id) return;
      // A part that was missed is in the message itself.
      if (!lines.take(happening.parts, false)) refresh();
      if (waits) return;
      waits = true;
      time.after(100, () => {
        waits = false;
        if (shown) setVersion((now) => now + 1);
      });
    });
    return () => {
      shown = false;
      stop();
    };
  }, [lines, id]);
  const { totals } = outcome ?? {};
  return (
    <section class="output-part" aria-label="Output">
      <div class="block-head">
        <h2>Output</h2>
        {totals !== undefined && (
          <span class="quiet">
            {bytes(totals.stdout.bytes)} of stdout, {bytes(totals.stderr.bytes)} of stderr
          </span>
        )}
      </div>
      {lines.lines.length === 0 ? (
        <p class="empty">{final ? "It printed nothing." : "Nothing has been printed yet."}</p>
      ) : (
        <OutputView lines={lines.lines} version={version + readAt} ended={final} />
      )}
      {outcome?.result !== undefined && (
        <details>
          <summary>Result</summary>
          <pre class="data">{pictured(JSON.stringify(outcome.result, null, 2) ?? "").slice(0, 100_000)}</pre>
        </details>
      )}
    </section>
  );
}

function Cancel({ id, onDone }: { id: string; onDone: () => void }) {
  const [said, say] = useState("");
  const cancel = async (): Promise<void> => {
    try {
      say(cancelText(await theStore().client.cancel(id)));
    } catch (thrown) {
      say(`not cancelled: ${sentenceOf(thrown)}`);
    }
    onDone();
  };
  return (
    <>
      <span role="status">{said}</span>
      <Sure sure="yes, cancel it" onSure={cancel}>
        Cancel
      </Sure>
    </>
  );
}
