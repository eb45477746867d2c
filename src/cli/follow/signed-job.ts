import { StewardError } from "../../message/errors.ts";
import { idMaker } from "../../message/id.ts";
import type { Retried } from "../../message/jobs/job.ts";
import type { Json, SignedJob } from "../../message/message.ts";
import { formatDuration } from "../../message/text/units.ts";
import { systemRandom } from "../../platform/system-clock.ts";
import type { JobOrderOf, JobPlanView, RetryOrder } from "../../runtime/operate/table/jobs.ts";
import type { Signer } from "../../security/keys/signed.ts";
import type { Cli } from "../cli.ts";
import type { Daemon } from "../daemon.ts";
import { counted } from "../render/text.ts";
import { isoTime } from "../render/time.ts";

/** The nodes that a retry is made on, by the counts that they are part of. */
const RETRIED: Readonly<Record<Retried, readonly ("failed" | "rejected" | "expired" | "cancelled" | "unknown")[]>> = {
  failed: ["failed", "rejected"],
  notStarted: ["expired", "cancelled"],
  unknown: ["unknown"],
};

/**
 * An order of a job with the operator's own signature for each of its nodes, which are frozen in it already. Without an operator's
 * key (--as, STEWARD_OPERATOR_KEY) it stays as it is.
 */
export async function signedJobOrder(
  cli: Cli,
  daemon: Daemon,
  order: JobOrderOf,
  planned?: JobPlanView,
): Promise<JobOrderOf> {
  const signer = await cli.signer();
  if (signer === undefined) return order;
  const { nodes, signing, beginAt } = planned ?? (await daemon.planJob(order));
  if (signing === undefined) {
    const when = beginAt === null ? "later" : isoTime(beginAt);
    cli.note(cli.err("yellow", `! it begins ${when}, and a signature holds 30 days at most: it goes without one`));
    cli.note("  → nodes that ask for a signature will reject it: order it within 30 days of its beginning");
    return order;
  }
  const { firstAt: from, untilAt: until, runs, gap } = signing;
  if (order.every !== undefined) {
    const first = `the first not before ${isoTime(from)}`;
    const often = runs === 1 ? "once" : `${counted(runs, "time")}, ${formatDuration(gap)} apart at least, ${first}`;
    cli.note(`signed for ${often}, until ${isoTime(until)}; after that nodes that ask for a signature reject it`);
  }
  return { ...order, signed: await signed(cli, daemon, signer, nodes, order, { from, until, runs, gap }) };
}

/** Another attempt of a job, with the operator's own signature for each node that it is made on; see `signedJobOrder`. */
export async function signedRetry(cli: Cli, daemon: Daemon, id: string, of: Retried): Promise<RetryOrder> {
  const signer = await cli.signer();
  if (signer === undefined) return { of };
  const nodes = (await Promise.all(RETRIED[of].map((state) => daemon.jobNodes(id, { state })))).flat();
  const [first] = nodes;
  // The daemon says that there is none, in its own words.
  if (first === undefined) return { of };
  const { subject, summary } = await daemon.job(id);
  const { data } = await daemon.message(first.id);
  const from = cli.io.clock.now();
  const { LONGEST_STATEMENT } = await import("../../security/operators/statement.ts");
  const times = { from, until: from + LONGEST_STATEMENT, runs: 1, gap: 0 };
  const names = nodes.map(({ node }) => node);
  cli.note(`signed for ${counted(names.length, "node")}: ${summary}`);
  return { of, signed: await signed(cli, daemon, signer, names, { subject, data }, times) };
}

async function signed(
  cli: Cli,
  daemon: Daemon,
  signer: Signer,
  nodes: readonly string[],
  { subject, data }: { readonly subject: string; readonly data: Json },
  { until, ...times }: Omit<SignedJob, "order" | "signatures">,
): Promise<SignedJob> {
  const { StatementSigner } = await import("../../security/operators/statement.ts");
  const { operator } = await daemon.whoami();
  if (operator === undefined)
    throw new StewardError("operator-unknown", { key: signer.keys.sign, central: "the management station" });
  const statements = new StatementSigner(signer, operator);
  const runs = { order: idMaker(cli.io.clock, systemRandom)(), ...times };
  const signatures = nodes.map((node) => {
    const message = { subject: `${node}.${subject}`, data };
    return [node, statements.signRuns(message, runs, until)] as const;
  });
  return { ...runs, until, signatures: Object.fromEntries(signatures) };
}
