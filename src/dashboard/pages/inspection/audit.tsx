import { useMemo, useState } from "preact/hooks";
import type { AuditQuery, AuditRecordOf } from "../../../runtime/operate/table/audit.ts";
import { FilterLine } from "../../parts/filter-line.tsx";
import { useReading } from "../../parts/hooks.ts";
import { PlainTable } from "../../parts/plain-table.tsx";
import { Shown } from "../../parts/reading.tsx";
import { TypedField } from "../../parts/typed.tsx";
import { At, CopyCommand, StateWord } from "../../parts/words.tsx";
import { AuditPages, type AuditView } from "../../store/audit-pages.ts";
import { sentenceOf } from "../../store/client.ts";
import { ask, place, urlOf } from "../../store/router.ts";
import { theStore } from "../../store/store.ts";
import { pictured } from "../../text/ansi.ts";
import { commandLine } from "../../text/command-line.ts";
import { counted } from "../../text/times.ts";

/** Kinds of records, in words. */
const KINDS = [
  { key: "", word: "any" },
  { key: "submit", word: "submit: what was sent from here" },
  { key: "operation", word: "operation: what was done here" },
  { key: "decision", word: "decision: what was taken or refused" },
  { key: "trust", word: "trust: who may take part" },
  { key: "login", word: "login: who opened the page" },
] as const;
const SPANS = [
  { key: "", word: "all", ms: 0 },
  { key: "1h", word: "1 hour", ms: 3_600_000 },
  { key: "1d", word: "1 day", ms: 86_400_000 },
  { key: "7d", word: "7 days", ms: 7 * 86_400_000 },
] as const;
const ALLOWED = { symbol: "✓", word: "allowed", tone: "good" } as const;
const REFUSED = { symbol: "✗", word: "refused", tone: "bad" } as const;

/** The audit of the daemon: who asked for what, for which nodes, what was decided and why, the newest first. */
export function Audit() {
  const { client, now } = theStore();
  const { by = "", what = "", about = "", message = "", refused = "", since = "" } = place.value.query;
  const span = SPANS.find(({ key }) => key === since) ?? SPANS[0];
  const key = `audit ${by} ${what} ${about} ${message} ${refused} ${span.key}`;
  const pages = useMemo(() => {
    const filter: AuditQuery = {
      ...(by === "" ? {} : { by }),
      ...(what === "" ? {} : { what }),
      ...(about === "" ? {} : { subject: about }),
      ...(message === "" ? {} : { message }),
      ...(refused === "" ? {} : { refused: true }),
    };
    return new AuditPages(
      (query) => client.audit({ ...filter, ...query }),
      () => (span.ms === 0 ? undefined : Math.floor(now.peek() - span.ms)),
    );
  }, [key]);
  const { reading, refresh } = useReading<AuditView>(key, () => ({
    load: () => pages.newer(),
    on: ({ type }) => type === "message" || type === "job",
    every: 10_000,
    atMost: 2_000,
  }));
  const [fault, setFault] = useState("");
  const loadOlder = async (): Promise<void> => {
    await pages.older().then(
      () => setFault(""),
      (thrown) => setFault(sentenceOf(thrown)),
    );
    refresh();
  };
  const isFiltered = [by, what, about, message, refused, since].some((word) => word !== "");
  return (
    <>
      <div class="tools">
        <FilterLine
          label="Part of a subject, or a node"
          placeholder="for a node, or part of a subject: ship1, shellcommand"
          value={about}
          onChange={(text) => ask({ about: text.trim() })}
        />
        <TypedField label="by" value={by} placeholder="anybody" onApply={(text) => ask({ by: text.trim() })} />
        <TypedField
          label="message or job"
          value={message}
          placeholder="any"
          onApply={(text) => ask({ message: text.trim() })}
        />
        <label>
          what{" "}
          <select value={what} onChange={(event) => ask({ what: event.currentTarget.value })}>
            {KINDS.map(({ key, word }) => (
              <option key={key} value={key}>
                {word}
              </option>
            ))}
          </select>
        </label>
        <button type="button" aria-pressed={refused !== ""} onClick={() => ask({ refused: refused === "" ? "1" : "" })}>
          refused alone
        </button>
        <div class="choices" role="group" aria-label="Time that is shown">
          {SPANS.map(({ key, word }) => (
            <button type="button" key={key} aria-pressed={key === span.key} onClick={() => ask({ since: key })}>
              {word}
            </button>
          ))}
        </div>
        <CopyCommand
          line={commandLine(
            "audit",
            ...(by === "" ? [] : ["--by", by]),
            ...(what === "" ? [] : ["--what", what]),
            ...(about === "" ? [] : ["--subject", about]),
            ...(message === "" ? [] : ["--message", message]),
            refused !== "" && "--refused",
            ...(span.key === "" ? [] : ["--since", span.key]),
          )}
        />
      </div>
      <div class="scrolling">
        <Shown
          of={reading}
          what="the audit"
          isEmpty={({ records }) => records.length === 0}
          empty={isFiltered ? "No record of the audit fits these filters." : "The audit has no record yet."}
        >
          {({ records, end }) => (
            <>
              <PlainTable label="Audit" kind="audit" heads={["When", "By", "What", "For", "Decided", "Why"]}>
                {records.map((record) => (
                  <Row key={record.no} record={record} />
                ))}
              </PlainTable>
              <p class="list-foot">
                {counted(records.length, "record")}
                {end === "more" && (
                  <button type="button" class="plain" onClick={() => void loadOlder()}>
                    load older ones
                  </button>
                )}
                {end === "all" && <span class="quiet">, all that there are</span>}
                {end === "most" && (
                  <span class="quiet">, the newest: filter them, or read on with steward audit --before</span>
                )}
                {fault !== "" && <span class="fault"> Older ones could not be read: {fault}</span>}
              </p>
            </>
          )}
        </Shown>
      </div>
    </>
  );
}

function Row({ record }: { record: AuditRecordOf }) {
  const { no: _, prev: _prev, at, by, what, operation, subject, nodes = [], ids = [], allowed, why, ...more } = record;
  const { job, atTime: _atTime, ...rest } = more as typeof more & { readonly job?: unknown; readonly atTime?: unknown };
  const text = Object.entries(rest).map(([key, value]) => `${key} ${pictured(JSON.stringify(value) ?? "")}`);
  const [first] = ids;
  return (
    <tr>
      <td>
        <At time={at} day />
      </td>
      <td>{by}</td>
      <td class="what">
        <span class="quiet">{what}</span> {typeof operation === "string" ? `${operation} ` : ""}
        {subject !== undefined && <span class="mono">{subject}</span>}
        {text.length > 0 && <div class="mono">{text.join(", ").slice(0, 400)}</div>}
        {typeof job === "string" && (
          <div>
            <a href={urlOf(["jobs", job])}>{job}</a>
          </div>
        )}
        {first !== undefined && (
          <div>
            <a data-row href={urlOf(["messages", first])}>
              {first}
            </a>
            {ids.length > 1 && <span class="quiet"> and {ids.length - 1} more</span>}
          </div>
        )}
      </td>
      <td title={nodes.join(", ")}>
        {nodes.slice(0, 3).map((node) => (
          <span key={node}>
            <a href={urlOf(["nodes", node])}>{node}</a>{" "}
          </span>
        ))}
        {nodes.length > 3 && <span class="quiet">and {nodes.length - 3} more</span>}
      </td>
      <td>
        <StateWord look={allowed ? ALLOWED : REFUSED} live={false} />
      </td>
      <td class={allowed ? "what" : "why"}>{why}</td>
    </tr>
  );
}
