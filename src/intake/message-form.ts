import { nearest } from "../config/schema/nearest.ts";
import type { Draft, TargetedDraft } from "../message/draft.ts";
import { faultText } from "../message/errors.ts";
import { nodeNameFault } from "../message/node-name.ts";
import { formatSubject, type Kind, parseSubject, type Subject, tokenFault } from "../message/subject.ts";
import { parseTarget } from "../message/target/expression.ts";
import { describe, type Fault, type Located, type LocatedEntry, toJson } from "../message/text/located.ts";
import { inQuotes } from "../message/text/printable.ts";
import { isNever, readDuration } from "../message/text/units.ts";

const SHORT_KEYS = [
  "to",
  "most",
  "command",
  "event",
  "domain",
  "data",
  "deliverBy",
  "timeout",
  "reply",
  "urgent",
] as const;
const LONG_KEYS = ["subject", "message"] as const;
const SUBJECT_KEYS = ["node", "messageType", "method", "domain"] as const;
const MESSAGE_KEYS = ["data", "deliverBy", "timeout", "reply", "urgent", "messageType"] as const;

/** Keys that people expect of other tools, and what to do instead. */
const NOT_HERE: Readonly<Record<string, string>> = {
  schedule: "steward sends at once; let cron or a systemd timer put the file into the folder",
  retries: "steward sends until the node has it or `deliverBy` is over",
  method: "write `command: <method>` or `event: <method>`",
  node: "write `to: <node>`",
  job: "a job is a file of its own: one map with `job` beside `to`, `command`, `domain` and `data`",
  subject: "write either `subject` with `message`, or `to` with `command` or `event`",
};

type Entries = ReadonlyMap<string, LocatedEntry>;

/**
 * Reads one message in either form of DESIGN: the short one (`to`, `command` or `event`, `domain`, …), which may name
 * several nodes, or the long one (`subject`, `message`). Everything that is wrong goes to `fault`; then the drafts are
 * not to be used.
 */
export function readMessage(node: Located, fault: (fault: Fault) => void): TargetedDraft[] {
  const form = new Form(fault);
  if (node.kind !== "map") {
    fault({ at: node.at, text: `a message is a map with \`to\` or \`subject\`, not ${describe(node)}` });
    return [];
  }
  const long = node.entries.some((entry) => entry.key === "message" || entry.key === "subject");
  const short = node.entries.some((entry) => entry.key === "to");
  return long && !short ? form.long(node) : form.short(node);
}

class Form {
  readonly #fault: (fault: Fault) => void;

  constructor(fault: (fault: Fault) => void) {
    this.#fault = fault;
  }

  short(node: Located): TargetedDraft[] {
    const entries = this.#entries(node, SHORT_KEYS);
    const receivers = this.#receivers(this.#needed(entries, "to", node, "the node that receives it"));
    const most = this.#most(entries.get("most"));
    const method = this.#method(entries, node);
    const domain = this.#token(
      "domain",
      this.#needed(entries, "domain", node, "what the method is for, such as operatingsystem"),
    );
    const rest = this.#content(entries);
    if (method === undefined || domain === undefined) return [];
    if (typeof receivers === "string") {
      const subject = `${method.kind}.${method.method}.${domain}`;
      return [{ to: receivers, subject, ...rest, ...(most === undefined ? {} : { most }) }];
    }
    return receivers.map((receiver) => ({ subject: formatSubject({ node: receiver, ...method, domain }), ...rest }));
  }

  long(node: Located): TargetedDraft[] {
    const entries = this.#entries(node, LONG_KEYS);
    const subject = this.#subject(this.#needed(entries, "subject", node, "the receiver and the method"));
    const message = this.#needed(entries, "message", node, "a map with `data`");
    if (message === undefined) return [];
    const content = this.#entries(message, MESSAGE_KEYS);
    const type = content.get("messageType");
    if (type !== undefined) {
      const kind = this.#kind(type.value);
      if (kind !== undefined && subject !== undefined && kind !== subject.kind) {
        this.#fault({ at: type.value.at, text: `messageType is ${kind} here and ${subject.kind} in the subject` });
      }
    }
    const rest = this.#content(content);
    return subject === undefined ? [] : [{ subject: formatSubject(subject), ...rest }];
  }

  /** The nodes by name, or a target that the daemon resolves. */
  #receivers(node: Located | undefined): string[] | string {
    if (node === undefined) return [];
    const items = node.kind === "list" ? node.items : [node];
    if (items.length === 0) this.#fault({ at: node.at, text: "`to` is an empty list; name at least one node" });
    const parts = new Set<string>();
    let named = true;
    for (const item of items) {
      const part = this.#receiver(item);
      if (part === undefined) continue;
      if (parts.has(part)) this.#fault({ at: item.at, text: `${part} is named twice in \`to\`` });
      parts.add(part);
      named &&= nodeNameFault(part) === undefined;
    }
    return named ? [...parts] : [...parts].join(", ");
  }

  /** A node's name, or a target that reads. */
  #receiver(node: Located): string | undefined {
    if (node.kind !== "scalar" || typeof node.value !== "string") return this.#token("to", node);
    try {
      parseTarget(node.value);
      return node.value;
    } catch (thrown) {
      this.#fault({ at: node.at, text: `\`to\`: ${faultText(thrown)}` });
      return undefined;
    }
  }

  #most(entry: LocatedEntry | undefined): number | undefined {
    if (entry === undefined) return undefined;
    const { value: node } = entry;
    if (node.kind === "scalar" && typeof node.value === "number" && Number.isInteger(node.value) && node.value > 0)
      return node.value;
    this.#fault({
      at: node.at,
      text: `\`most\` is the most nodes that \`to\` may mean, a whole number, not ${describe(node)}`,
    });
    return undefined;
  }

  #method(entries: Entries, node: Located): Pick<Subject, "kind" | "method"> | undefined {
    const command = entries.get("command");
    const event = entries.get("event");
    if (command !== undefined && event !== undefined) {
      this.#fault({ at: event.at, text: "`command` and `event` exclude each other" });
      return undefined;
    }
    const given = command ?? event;
    if (given === undefined) {
      this.#fault({ at: node.at, text: "`command: <method>` or `event: <method>` is missing" });
      return undefined;
    }
    const method = this.#token(given.key, given.value);
    return method === undefined ? undefined : { kind: command === undefined ? "event" : "command", method };
  }

  #subject(node: Located | undefined): Subject | undefined {
    if (node === undefined) return undefined;
    if (node.kind === "scalar" && typeof node.value === "string") {
      try {
        return parseSubject(node.value);
      } catch (thrown) {
        this.#fault({ at: node.at, text: faultText(thrown) });
        return undefined;
      }
    }
    if (node.kind !== "map") {
      this.#fault({
        at: node.at,
        text: `\`subject\` is <node>.<command|event>.<method>.<domain> or a map, not ${describe(node)}`,
      });
      return undefined;
    }
    const entries = this.#entries(node, SUBJECT_KEYS);
    const receiver = this.#node("node", this.#needed(entries, "node", node, "the node that receives it"));
    const type = this.#needed(entries, "messageType", node, "command or event");
    const kind = type === undefined ? undefined : this.#kind(type);
    const method = this.#token("method", this.#needed(entries, "method", node, "what it does"));
    const domain = this.#token("domain", this.#needed(entries, "domain", node, "what it is for"));
    if (receiver === undefined || kind === undefined || method === undefined || domain === undefined) return undefined;
    return { node: receiver, kind, method, domain };
  }

  #content(entries: Entries): Omit<Draft, "subject"> {
    const data = entries.get("data");
    const deliverBy = entries.get("deliverBy");
    const timeout = entries.get("timeout");
    const reply = this.#reply(entries.get("reply"));
    const urgent = this.#flag(entries.get("urgent"));
    const waits =
      deliverBy === undefined ? undefined : this.#duration("deliverBy", deliverBy.value, "never, which waits for ever");
    const runs = timeout === undefined ? undefined : this.#duration("timeout", timeout.value);
    if (runs === null)
      this.#fault({ at: timeout?.value.at ?? 0, text: "`timeout` is empty; leave it out for the usual limit" });
    return {
      data: data === undefined ? null : toJson(data.value),
      ...(waits === undefined ? {} : { deliverBy: waits }),
      ...(runs === undefined || runs === null ? {} : { timeout: runs }),
      ...(reply.length === 0 ? {} : { reply }),
      ...(urgent ? { urgent } : {}),
    };
  }

  #flag(entry: LocatedEntry | undefined): boolean {
    if (entry === undefined) return false;
    const { key, value: node } = entry;
    if (node.kind === "scalar" && typeof node.value === "boolean") return node.value;
    this.#fault({ at: node.at, text: `\`${key}\` is true or false, not ${describe(node)}` });
    return false;
  }

  /** Names of destinations; the daemon knows which there are. */
  #reply(entry: LocatedEntry | undefined): string[] {
    if (entry === undefined) return [];
    const { value: node } = entry;
    const items = node.kind === "list" ? node.items : [node];
    return [...new Set(items.flatMap((item) => this.#token("reply", item) ?? []))];
  }

  #duration(key: string, node: Located, or?: string): number | null | undefined {
    if (node.kind === "scalar" && (node.value === null || (or !== undefined && isNever(String(node.value)))))
      return null;
    const wanted = `a duration such as 500ms, 30s, 10m, 2h or 7d${or === undefined ? "" : `, or ${or}`}`;
    if (node.kind !== "scalar" || typeof node.value !== "string") {
      const given =
        node.kind === "scalar" && typeof node.value === "number" ? `${node.value}, without a unit` : describe(node);
      this.#fault({ at: node.at, text: `\`${key}\` is ${given}; write ${wanted}` });
      return undefined;
    }
    const ms = readDuration(node.value);
    if (ms !== undefined && ms > 0) return ms;
    this.#fault({ at: node.at, text: `\`${key}\` is ${describe(node)}; write ${wanted}` });
    return undefined;
  }

  #kind(node: Located): Kind | undefined {
    if (node.kind === "scalar" && (node.value === "command" || node.value === "event")) return node.value;
    this.#fault({ at: node.at, text: `messageType must be command or event, not ${describe(node)}` });
    return undefined;
  }

  #node(key: string, node: Located | undefined): string | undefined {
    return this.#token(key, node, nodeNameFault);
  }

  #token(key: string, node: Located | undefined, faultOf = tokenFault): string | undefined {
    if (node === undefined) return undefined;
    if (node.kind !== "scalar" || typeof node.value !== "string") {
      const quote = node.kind === "scalar" && node.value !== null ? "; put it in quotes" : "";
      this.#fault({ at: node.at, text: `\`${key}\` must be a name, not ${describe(node)}${quote}` });
      return undefined;
    }
    const fault = faultOf(node.value);
    if (fault === undefined) return node.value;
    this.#fault({ at: node.at, text: `\`${key}\`: ${fault}` });
    return undefined;
  }

  #needed(entries: Entries, key: string, parent: Located, meaning: string): Located | undefined {
    const entry = entries.get(key);
    // A parent that is no map was refused already.
    if (entry === undefined && parent.kind === "map")
      this.#fault({ at: parent.at, text: `\`${key}\` is missing: ${meaning}` });
    return entry?.value;
  }

  #entries(node: Located, known: readonly string[]): Entries {
    if (node.kind !== "map") {
      this.#fault({ at: node.at, text: `a map with ${known.join(", ")} is expected, not ${describe(node)}` });
      return new Map();
    }
    for (const { key, at } of node.entries) {
      if (!known.includes(key)) this.#fault({ at, text: unknownKey(key, known) });
    }
    return new Map(node.entries.map((entry) => [entry.key, entry]));
  }
}

function unknownKey(key: string, known: readonly string[]): string {
  const instead = NOT_HERE[key];
  if (instead !== undefined && Object.hasOwn(NOT_HERE, key)) return `\`${key}\` is not a key of this form: ${instead}`;
  const near = nearest(key, known);
  const shown = inQuotes(key);
  if (near !== undefined) return `${shown} is not known here; did you mean ${near}?`;
  return `${shown} is not known here; known are ${known.join(", ")}`;
}
