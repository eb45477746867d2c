import type { HeldGroup } from "../../journal/jobs/held-group.ts";
import type { HeldMembers } from "../../journal/records.ts";
import type { Draft } from "../../message/draft.ts";
import type { CarriedStatement, SignedJob } from "../../message/message.ts";

type Statements = (node: string) => CarriedStatement | undefined;

/** The messages of one attempt: they differ in their nodes, and in what their operator has signed for each. */
export function attemptDrafts(
  draft: Draft,
  nodes: readonly string[],
  operator: string | undefined,
  statements: Statements,
): Draft[] {
  return nodes.map((node) => {
    const whole = { ...draft, subject: `${node}.${draft.subject}` };
    if (operator === undefined) return whole;
    const statement = statements(node);
    return { ...whole, operator: statement === undefined ? { name: operator } : { name: operator, statement } };
  });
}

/** The statements on the first run of a job. */
export function statementsOf(signed: SignedJob | undefined): Statements {
  if (signed === undefined) return () => undefined;
  const { order, from, runs, gap, until, signatures } = signed;
  const run = { order, from, runs, gap, run: 1 };
  return (node) => {
    const signature = Object.hasOwn(signatures, node) ? signatures[node] : undefined;
    return signature === undefined ? undefined : { until, signature, run };
  };
}

/** The statements on the run that follows those of these groups; none once as many were signed as there are. */
export function nextRun(groups: readonly HeldGroup[], members: HeldMembers): Statements {
  const signed = groups[0]?.record.run;
  if (signed === undefined) return () => undefined;
  const last = Math.max(...groups.flatMap(({ record: { run } }) => (run?.order === signed.order ? [run.run] : [])));
  if (last >= signed.runs) return () => undefined;
  const run = { ...signed, run: last + 1 };
  const byNode = new Map(members.map(([, node, until, signature]) => [node, { until, signature }]));
  return (node) => {
    const { until, signature } = byNode.get(node) ?? {};
    return until === undefined || signature === undefined ? undefined : { until, signature, run };
  };
}
