import { printable } from "./text/printable.ts";

/**
 * Every error that steward itself raises: one class, one catalogue. `code` is stable and what decisions read; the sentence
 * is for people and nothing depends on its text. `docs/errors.md` is generated from this file.
 */

/** Exit codes of the command line. */
export const EXIT = { ok: 0, someFailed: 1, usage: 2, notDelivered: 3, cancelled: 4, noDaemon: 5 } as const;

interface Entry {
  /** The event; `{name}` is replaced by the detail of that name. */
  readonly sentence: string;
  /** The thing to do, or to type, next. */
  readonly remedy: string;
  readonly exit: number;
  /** Caused by the surroundings, and over when they are mended: the caller tries again. See surroundings.ts. */
  readonly passes?: true;
}

const entry = (sentence: string, remedy: string, exit: number = EXIT.someFailed): Entry => ({ sentence, remedy, exit });
const passing = (...words: Parameters<typeof entry>) => ({ ...entry(...words), passes: true }) as const;

export const CATALOGUE = {
  // Faults of what a user writes
  usage: entry("{fault}", "See `steward {command} --help`.", EXIT.usage),
  "subject-invalid": entry(
    "{subject} is not a subject: {fault}",
    "Write <node>.<command|event>.<method>.<domain>, for example ship1.command.shellcommand.operatingsystem.",
    EXIT.usage,
  ),
  "target-invalid": entry(
    "{target} is not a target: {fault}",
    "Write a node (ship1), several with commas between them (ship1,ship2), or all; `steward nodes` lists them.",
    EXIT.usage,
  ),
  "message-invalid": entry(
    "message {where} is not valid: {fault}",
    "See docs/messages.md for both message forms.",
    EXIT.usage,
  ),
  "message-too-large": entry(
    "the message for {subject} is {bytes} bytes, {limit} are allowed",
    "Send less at once, or raise limits.messageBytes in steward.yaml on both ends, below the broker's max_payload.",
    EXIT.usage,
  ),
  "duration-invalid": entry(
    "{text} is not a duration",
    "Write a number and a unit: 500ms, 10s, 5m, 2h, 7d.",
    EXIT.usage,
  ),
  "config-invalid": entry(
    "{file} has {count} fault(s):\n{faults}",
    "Correct the lines above; `steward config check` tests them.",
    EXIT.usage,
  ),
  "config-unreadable": entry(
    "cannot read {file}: {fault}",
    "Name the file with --config (or the daemon's socket with --socket), or make one with `steward init`.",
    EXIT.usage,
  ),
  "text-invalid": entry(
    "{where} cannot be sent: {fault}",
    "steward carries UTF-8: convert it (iconv -f latin1 -t utf8), or let the node's shell make the bytes: --script -- \"printf 'caf\\351'\".",
    EXIT.usage,
  ),
  "file-unreadable": entry("cannot read {file}: {fault}", "Check the path and its permissions.", EXIT.usage),

  // Permissions, and things that do not exist
  "method-unknown": entry(
    "node {node} has no method {method}",
    "Known methods: {known}. Check the spelling or load it under `methods:`.",
  ),
  "node-unknown": entry(
    "no node is called {node}",
    "`steward nodes` lists those that are known; `steward run` and `steward send` take a new one with --new.",
    EXIT.usage,
  ),
  "subject-not-subscribed": entry(
    "node {node} does not subscribe to {subject}",
    "Add it under `subscribe:` in the node's steward.yaml.",
  ),
  "permission-denied": entry(
    "{origin} may not send to {subject}: {fault}",
    "Add it to `from` or `allow` of that subject in the node's steward.yaml.",
  ),
  "signature-invalid": entry(
    "a frame that claims to come from {origin} could not be verified: {fault}",
    "Enrol the node again.",
  ),
  "node-not-admitted": entry(
    "{origin} is not named here, and {limit} nodes that are not named either are known already",
    "Name it under `nodes:` in steward.yaml, or raise limits.nodes; until then it keeps what it sends.",
  ),
  "node-cloned": entry(
    "{why}: nothing is sent to them and nothing taken from them until one of them is gone",
    "Stop one of them; to keep both, give one another `node` name and an empty data directory.",
  ),
  "lane-not-admitted": entry(
    "{origin} may begin no further lane: {held} lanes of {of} are remembered",
    "If its disk was not lost that often, somebody sends in its name. Name it under `nodes:`, or raise limits.lanes.",
  ),
  "data-invalid": entry(
    "the data for {method} is not valid: {fault}",
    "`steward send --help` shows the data each method takes.",
  ),
  "deadline-passed": entry("{subject} was not started before its deadline", "Send it again with a later --deliver-by."),

  // The wire
  "frame-malformed": entry(
    "a frame on {subject} could not be decoded: {fault}",
    "Something other than steward publishes there, or it was damaged.",
  ),
  "frame-version": entry(
    "a frame on {subject} has version {version}, this daemon reads {supported}",
    "Upgrade the older of the two.",
  ),
  "frame-misdirected": entry(
    "a frame or an ACK on {subject} was sealed for {meant}",
    "Somebody published again what was recorded there, or the broker maps subjects to others: it must leave them alone.",
  ),
  "frame-too-large": entry(
    "a frame on {subject} is larger than {limit} bytes once expanded",
    "Lower the sender's limits.",
  ),
  "foreign-refused": entry(
    "{subject} does not take messages from plain NATS publishers",
    "Set `foreign: true` on that subject in steward.yaml.",
  ),
  "report-unsent": entry(
    "{node} reports on command {id}, which was never sent to it",
    "Somebody at the broker writes in its name, or two nodes have this name. See `steward doctor`.",
  ),
  "queue-full": entry(
    "{limit} messages wait on {subject} already: no more are taken",
    "Wait until some of them have ended, or raise `queue` of that subject in steward.yaml.",
    EXIT.notDelivered,
  ),
  "broker-unreachable": entry(
    "cannot reach a broker at {servers}: {fault}",
    "Start nats-server there, or correct broker.servers.",
    EXIT.noDaemon,
  ),
  "broker-denied": entry(
    "the broker refuses {operation} on {subject}",
    "Give this user publish and subscribe permission on it in the broker's configuration.",
  ),
  "broker-auth": entry(
    "the broker at {servers} refuses these credentials: {fault}",
    "Check `broker:` in steward.yaml.",
  ),
  "broker-full": passing(
    "the broker at {servers} has no room for another connection: {fault}",
    "Raise `max_connections` in the broker's configuration, or end what holds its connections.",
    EXIT.noDaemon,
  ),
  "broker-tls": passing(
    "no secure connection to the broker at {servers}: {fault}",
    "Check `broker.tls` in steward.yaml (ca, cert, key), and name and validity of the broker's certificate.",
    EXIT.noDaemon,
  ),
  "nats-server-missing": passing(
    "no nats-server was found",
    "Install it (Debian: apt-get install nats-server; macOS: brew install nats-server) or set STEWARD_NATS_SERVER to its path.",
  ),
  "nats-server-failed": passing(
    "nats-server ended: {fault}",
    "Its log lines are above; check port and store directory.",
  ),

  // The journal and the daemon
  "journal-full": passing(
    "the journal holds {held} of {limit} bytes: new messages are refused",
    "Wait until nodes come back, cancel what is not needed, or raise limits.journalBytes.",
    EXIT.notDelivered,
  ),
  "journal-disk-full": passing(
    "the disk behind {path} has {free} bytes left, less than {floor}: new messages are refused",
    "Make room there. What is owed still passes, and the daemon goes on by itself.",
    EXIT.notDelivered,
  ),
  "journal-failed": entry("the journal cannot be written: {fault}", "Check the disk behind {path}."),
  "journal-restored": entry(
    "the journal in {path} was restored from an earlier state: {proof}",
    "What it held unfinished may have run since: look at `steward messages --state interrupted`.",
  ),
  "journal-version": entry(
    "the journal in {path} has version {version}, this daemon reads up to {supported}",
    "Run the newer steward that wrote it.",
  ),
  "journal-damaged": entry(
    "the journal in {path} cannot be read: {fault}",
    "Restore the data directory from a backup; or move it away, and the node begins anew: what it owed is lost, and others are told.",
  ),
  "data-directory": entry(
    "cannot use the data directory {path}: {fault}",
    "Correct `data:` in steward.yaml, or the directory's owner and mode.",
  ),
  "already-running": entry(
    "a daemon (pid {pid}) already uses {path}",
    "Stop it first, or give this one its own `data:` directory.",
  ),
  "wrong-node": entry(
    "the data directory {path} belongs to node {owner}, not to {node}",
    "Correct `node:` or `data:` in steward.yaml.",
  ),
  "no-daemon": entry(
    "no daemon answers at {socket}",
    "Start one with `steward up`, or name its configuration with --config.",
    EXIT.noDaemon,
  ),
  "daemon-silent": entry(
    "a daemon{who} is there at {socket} and does not answer for {seconds} s",
    "It is stopped or overloaded: look at its log, and at `ps -o pid,stat,wchan`; what was asked of it may still be done.",
    EXIT.noDaemon,
  ),
  "address-unusable": passing(
    "cannot listen at {address}: {fault}",
    "Stop the program that listens there, or choose another address in steward.yaml; the daemon goes on trying.",
  ),
  "request-invalid": entry(
    "the request is not valid: {fault}",
    "GET /openapi.json describes every request.",
    EXIT.usage,
  ),
  "node-silent": entry(
    "{node} did not answer within {seconds} s",
    "`steward nodes` shows whether it is online; ask again when it is.",
    EXIT.notDelivered,
  ),
  "file-unwritable": entry(
    "cannot write {file}: {fault}",
    "Check the path, its permissions and the space on its disk.",
    EXIT.usage,
  ),
  "api-failed": entry("the daemon answered {status}: {fault}", "See the daemon's log."),
  "message-unknown": entry("no message has the id {id}", "`steward messages` lists those that are known.", EXIT.usage),
  "message-ambiguous": entry(
    "{id} is the {part} of {count} ids: {ids}",
    "Write more of its beginning or of its end; @1 is the newest message.",
    EXIT.usage,
  ),
  "alert-unknown": entry("there is no alert {no}", "`steward alerts --all` lists those that are known.", EXIT.usage),
  "process-unknown": entry("node {node} has no process {subject}", "`steward ps` lists them.", EXIT.usage),

  // Running
  "runner-lost": entry(
    "the process that runs commands ended: {fault}",
    "The daemon starts a new one; commands that ran are `interrupted`.",
  ),
  "source-failed": entry("the source of {subject} failed: {fault}", "Check the address or path under `publish:`."),
  "process-failed": entry(
    "the process {subject} failed: {fault}",
    "`steward ps` shows it; `steward revive` starts a quarantined one.",
  ),
  internal: entry("{fault}", "This is a defect in steward: please report it with the log."),
} as const satisfies Record<string, Entry>;

export type ErrorCode = keyof typeof CATALOGUE;
export type Details = Readonly<Record<string, string | number>>;

export class StewardError extends Error {
  readonly code: ErrorCode;
  readonly details: Details;

  constructor(code: ErrorCode, details: Details = {}, options: { cause?: unknown } = {}) {
    super(fill(CATALOGUE[code].sentence, details), options);
    this.name = "StewardError";
    this.code = code;
    this.details = details;
  }

  /** The thing to do next, one sentence. */
  get remedy(): string {
    return fill(CATALOGUE[this.code].remedy, this.details);
  }

  /** The exit code of the command line when this error ends it. */
  get exit(): number {
    return CATALOGUE[this.code].exit;
  }
}

/** Turns anything that was thrown into a StewardError; for the three doors wire, journal and method. */
export function normalise(thrown: unknown): StewardError {
  if (thrown instanceof StewardError) return thrown;
  return new StewardError("internal", { fault: faultText(thrown) }, { cause: thrown });
}

/** The message of anything that was thrown, for people: it may quote what others wrote. */
export function faultText(thrown: unknown): string {
  return printable(thrown instanceof Error ? thrown.message : String(thrown));
}

/** Details quote what others wrote. Lines may break where a detail has several. */
function fill(template: string, details: Details): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => printable(String(details[name] ?? whole)));
}
