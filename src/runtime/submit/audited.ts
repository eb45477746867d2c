import { scriptDigest } from "../../config/policy/argument-pattern.ts";
import type { Message } from "../../message/message.ts";
import { parseSubject, withoutReceiver } from "../../message/subject.ts";
import type { MethodFacts } from "../../methods/define.ts";
import type { Audit } from "../../security/audit/audit.ts";
import { redacted } from "../../security/audit/entry.ts";

/** Nodes of one record: a command to thousands of nodes takes several. */
const NODES = 200;

type Submitted = Pick<Message, "id" | "subject" | "data">;

/** Records messages that somebody sends: those of the same data to several nodes together, each with its node. */
export function recordSubmitted(
  { audit, methods }: { readonly audit: Pick<Audit, "record">; readonly methods: ReadonlyMap<string, MethodFacts> },
  by: string,
  records: readonly { readonly message: Submitted }[],
): void {
  const groups: Submitted[][] = [];
  for (const { message } of records) {
    const group = groups.at(-1);
    const [first] = group ?? [];
    const same =
      first !== undefined &&
      first.data === message.data &&
      withoutReceiver(first.subject) === withoutReceiver(message.subject);
    if (group !== undefined && same && group.length < NODES) group.push(message);
    else groups.push([message]);
  }
  for (const group of groups) {
    const [first] = group;
    if (first === undefined) continue;
    const { method, kind } = parseSubject(first.subject);
    const vector = kind === "command" ? methods.get(method)?.command?.vector?.(first.data) : undefined;
    audit.record({
      what: "submit",
      by,
      allowed: true,
      subject: withoutReceiver(first.subject),
      nodes: group.map(({ subject }) => parseSubject(subject).node),
      ids: group.map(({ id }) => id),
      ...(vector === undefined ? {} : { arguments: redacted(vector, scriptDigest) }),
    });
  }
}
