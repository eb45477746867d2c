import { StewardError } from "../../message/errors.ts";
import { idMaker } from "../../message/id.ts";
import { kindOf, receiverOf } from "../../message/subject.ts";
import { systemRandom } from "../../platform/system-clock.ts";
import type { Order } from "../../runtime/operate/table/messages.ts";
import type { Cli } from "../cli.ts";
import type { Daemon } from "../daemon.ts";

/**
 * Orders with the operator's own statement on each command: its target is frozen here, and each node gets a message of its
 * own, whose id the statement names. Without an operator's key (--as, STEWARD_OPERATOR_KEY) they stay as they are.
 */
export async function signedOrders(cli: Cli, daemon: Daemon, orders: readonly Order[]): Promise<readonly Order[]> {
  const signer = await cli.signer();
  if (signer === undefined) return orders;
  const { LONGEST_STATEMENT, StatementSigner } = await import("../../security/operators/statement.ts");
  const { operator, signFor } = await daemon.whoami();
  if (operator === undefined)
    throw new StewardError("operator-unknown", { key: signer.keys.sign, central: "the management station" });
  const statements = new StatementSigner(signer, operator);
  const newId = idMaker(cli.io.clock, systemRandom);
  const signed: Order[] = [];
  for (const order of orders) {
    const { to, most, ...draft } = order;
    const nodes = to === undefined ? [receiverOf(draft.subject)] : await nodesOf(daemon, to, most);
    const tail = to === undefined ? draft.subject.slice(draft.subject.indexOf(".") + 1) : draft.subject;
    // The daemon refuses an order that means too many nodes, in its own words; events are reports, and need no statement.
    if (nodes === undefined || kindOf(`node.${tail}`) === "event") {
      signed.push(order);
      continue;
    }
    const wait = draft.deliverBy === undefined ? signFor : (draft.deliverBy ?? LONGEST_STATEMENT);
    const until = cli.io.clock.now() + Math.min(wait, LONGEST_STATEMENT);
    for (const node of nodes) {
      const message = { id: newId(), subject: `${node}.${tail}`, data: draft.data };
      signed.push({ ...draft, ...message, statement: statements.sign(message, until) });
    }
  }
  return signed;
}

/** The nodes of a target; `undefined`: they are more than are allowed. */
async function nodesOf(daemon: Daemon, to: string, most: number | undefined): Promise<readonly string[] | undefined> {
  const meant = await daemon.resolve({ to });
  return meant.nodes.length > (most ?? meant.most) ? undefined : meant.nodes;
}
