import { Argument, type Command } from "commander";
import { EXIT, StewardError } from "../../../message/errors.ts";
import { sleep } from "../../../platform/sleep.ts";
import type { AuditQuery, AuditRecordOf } from "../../../runtime/operate/table/audit.ts";
import type { Cli } from "../../cli.ts";
import { command, type Runner } from "../../command.ts";
import type { Daemon } from "../../daemon.ts";
import { duration, wholeNumber } from "../../input/options.ts";
import { counted, visible } from "../../render/text.ts";
import { isoTime } from "../../render/time.ts";

interface Options {
  readonly by?: string;
  readonly what?: string;
  readonly subject?: string;
  readonly message?: string;
  readonly before?: string;
  readonly refused?: boolean;
  readonly since?: string;
  readonly limit?: string;
  readonly follow?: boolean;
}

/** Interval at which --follow asks for further records, ms. */
const ASK_EVERY = 1_000;

export function addAudit(program: Command, run: Runner): void {
  command(program, "audit", {
    summary: "show who asked this node for what, what was decided, and why",
    description: `Show the audit of this node: who asked for what, for which nodes, what was decided, and why. A sender records what is
sent from it (submit) and what was done at its local API (operation); a node records its decision about each command that came
and each refusal (decision). Secrets, inputs and values of variables are never in it.

Each record carries the hash of the one before. \`verify\` follows this chain through all files and finds a record that was changed,
moved, taken out or cut off. It prints the hash of the last record: kept elsewhere, it proves later that nothing before it was
changed.

Exit code of \`verify\`: 0 the chain is whole, 1 it is not.`,
    examples: [
      ["steward audit", "the newest 100 records"],
      ["steward audit --refused --since 1d", "what was refused since yesterday"],
      ["steward audit --by central --subject nginx --follow", "what central asks for, as it comes"],
      ["steward audit --message 01M8", "who asked for one message or job, and what was decided of it"],
      ["steward audit --before 1200", "the 100 records before number 1200"],
      ["steward audit verify", "whether a record was changed or removed"],
    ],
  })
    .addArgument(new Argument("[verb]", "verify: follow the chain of hashes").choices(["verify"]))
    .option("--by <who>", "only what this node, operator, or `local` asked for")
    .option("--what <kind>", "only records of this kind: submit, decision, operation, trust")
    .option("--subject <text>", "only subjects with this part, and what was for this node")
    .option("--message <id>", "only what is about this message or job, by its id or the beginning of it")
    .option("--refused", "only what was refused")
    .option("--since <time>", "only the last so long: 1h, 7d")
    .option("--before <number>", "only records before this one, by its number")
    .option("--limit <number>", "the newest so many", "100")
    .option("-f, --follow", "go on with what comes, until Ctrl-C")
    .action(
      run<Options>(async (cli, options, [verb]) => {
        const daemon = await cli.daemon();
        if (verb === "verify") return await verify(cli, daemon);
        const { by, what, subject, message } = options;
        if (options.before !== undefined && options.follow === true)
          throw new StewardError("usage", { fault: "--before shows what was, --follow what comes", command: "audit" });
        const filter: AuditQuery = {
          ...(by === undefined ? {} : { by }),
          ...(what === undefined ? {} : { what }),
          ...(subject === undefined ? {} : { subject }),
          ...(message === undefined ? {} : { message }),
          ...(options.refused === true ? { refused: true } : {}),
        };
        const since = options.since === undefined ? undefined : cli.io.clock.now() - duration("--since", options.since);
        const limit = wholeNumber("--limit", "audit", options.limit ?? "100");
        const before = options.before === undefined ? {} : { before: wholeNumber("--before", "audit", options.before) };
        const records = await daemon.audit({ ...filter, ...before, limit, ...(since === undefined ? {} : { since }) });
        show(cli, records, options.follow === true);
        if (records.length === 0 && options.follow !== true) cli.note("no records");
        if (options.follow === true) await follow(cli, daemon, filter, records.at(-1)?.no);
        return EXIT.ok;
      }),
    );
}

async function verify(cli: Cli, daemon: Daemon): Promise<number> {
  const checked = await daemon.verifyAudit();
  const { ok, records, first, last, head, faults } = checked;
  if (cli.json) cli.printJson(checked);
  else {
    for (const { where, fault } of faults) cli.print(`✗ ${visible(where)}: ${visible(fault)}`);
    const range = records === 0 ? "" : `, ${first} to ${last}`;
    cli.print(`${ok ? "the chain is whole" : "the chain is broken"}: ${counted(records, "record")}${range}`);
    if (records > 0) cli.print(`hash of record ${last}: ${visible(head)}`);
  }
  return ok ? EXIT.ok : EXIT.someFailed;
}

function show(cli: Cli, records: readonly AuditRecordOf[], lines: boolean): void {
  if (cli.json && lines) for (const record of records) cli.printJsonLine(record);
  else if (cli.json) cli.printJson(records);
  else cli.print(...records.map(lineOf));
}

/** `12  2026-11-30T08:01:46.848Z  ✗ decision  ship2  command.shellcommand.nginx  from is [central] (steward.yaml:12)` */
function lineOf({
  no,
  at,
  what,
  by,
  allowed,
  why,
  subject,
  nodes,
  ids,
  arguments: said,
  prev: _,
  ...more
}: AuditRecordOf) {
  const rest = Object.entries(more).flatMap(([key, value]) => (key === "operation" ? [String(value)] : []));
  const words = [
    String(no),
    isoTime(at),
    `${allowed ? "✓" : "✗"} ${what}`,
    by,
    ...rest,
    ...(subject === undefined ? [] : [subject]),
    ...(nodes === undefined ? [] : [`to ${nodes.join(",")}`]),
    ...(said === undefined ? [] : [JSON.stringify(said)]),
    ...(why === undefined ? [] : [why]),
    ...(ids === undefined ? [] : [ids.join(",")]),
  ];
  return words.map(visible).join("  ");
}

async function follow(cli: Cli, daemon: Daemon, filter: AuditQuery, last: number | undefined): Promise<void> {
  const stop = new AbortController();
  const removers = (["SIGINT", "SIGTERM"] as const).map((name) => cli.io.signals.on(name, () => stop.abort()));
  let after = last ?? (await daemon.audit({ limit: 1 })).at(-1)?.no ?? 0;
  try {
    while (!stop.signal.aborted) {
      await sleep(cli.io.clock, ASK_EVERY, stop.signal);
      const records = await daemon.audit({ ...filter, after, limit: 10_000 });
      show(cli, records, true);
      after = records.at(-1)?.no ?? after;
    }
  } finally {
    for (const remove of removers) remove();
  }
}
