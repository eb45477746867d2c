import { idMaker } from "../../../src/message/id.ts";
import type { Json, SignedJob } from "../../../src/message/message.ts";
import type { LocalOperations } from "../../../src/runtime/operate/operate.ts";
import type { AuditQuery, AuditRecordOf } from "../../../src/runtime/operate/table/audit.ts";
import type { Accepted, Order } from "../../../src/runtime/operate/table/messages.ts";
import { Identity, newSeeds } from "../../../src/security/keys/identity.ts";
import { speakerOf } from "../../../src/security/operators/directory.ts";
import type { OperatorRecord } from "../../../src/security/operators/operator-record.ts";
import type { OperatorRole } from "../../../src/security/operators/speaker.ts";
import { StatementSigner } from "../../../src/security/operators/statement.ts";
import { seededRandom } from "../../harness/random.ts";
import { settled } from "../../harness/world/sound.ts";
import { createWorld, type NodeOptions, type World, type WorldOptions } from "../../harness/world/world.ts";

export const WORK = "ship1.command.work.os";

/** A simulated fleet with the operators ann and bob, and eve who looks. */
export class OperatorScene {
  readonly random = seededRandom(41);
  readonly keys = new Map<string, Identity>();
  #records: readonly OperatorRecord[] = [];
  world!: World;
  #newId = (): string => "";

  static async open(nodes: Readonly<Record<string, NodeOptions>>, more: WorldOptions = {}): Promise<OperatorScene> {
    const scene = new OperatorScene();
    for (const [name, role] of [
      ["ann", "operator"],
      ["bob", "operator"],
      ["eve", "viewer"],
    ] as const)
      scene.#add(name, role);
    const operators = {
      get operators() {
        return scene.#records as unknown as readonly Json[];
      },
    };
    scene.world = await settled(await createWorld({ ...more, nodes, operators }));
    scene.#newId = idMaker(scene.world.time, scene.random);
    return scene;
  }

  #add(name: string, role: OperatorRole): void {
    const identity = new Identity(newSeeds(this.random));
    this.keys.set(name, identity);
    const record = { name, key: identity.keys.sign, role, standing: "accepted" as const, since: 1, by: "central" };
    this.#records = [...this.#records, record];
  }

  change(name: string, change: Partial<OperatorRecord>): void {
    this.#records = this.#records.map((record) => (record.name === name ? { ...record, ...change } : record));
  }

  record(name: string): OperatorRecord {
    const found = this.#records.find((one) => one.name === name);
    if (found === undefined) throw new Error(`there is no operator ${name}`);
    return found;
  }

  /** The operations of central as an operator has them. */
  as(name: string): LocalOperations {
    return this.world.daemon("central").operations.as(speakerOf(this.record(name), "central", "signature"));
  }

  /** An order with the operator's own statement, as the command line makes it. */
  signed(name: string, subject: string, data: Json = {}, lasts = 3_600_000): Order & { readonly id: string } {
    const message = { id: this.#newId(), subject, data };
    const signer = new StatementSigner(this.keys.get(name) as Identity, name);
    return { ...message, statement: signer.sign(message, this.world.time.now() + lasts) };
  }

  /** What an operator signs of a job on `command.work.os`, as the command line makes it. */
  signedJob(name: string, nodes: readonly string[], data: Json = {}, more: Partial<SignedJob> = {}): SignedJob {
    const now = this.world.time.now();
    const signer = new StatementSigner(this.keys.get(name) as Identity, name);
    const { until = now + 3_600_000, order = this.#newId(), from = now, runs = 1, gap = 0 } = more;
    const signed = { order, from, runs, gap };
    const signatures = nodes.map((node) => [
      node,
      signer.signRuns({ subject: `${node}.command.work.os`, data }, signed, until),
    ]);
    return { ...signed, until, signatures: Object.fromEntries(signatures) };
  }

  async submit(name: string, ...orders: readonly Order[]): Promise<readonly Accepted[]> {
    const accepted = await this.world.drive(this.as(name).submit(orders));
    for (const { id, subject } of accepted) this.world.accepted.push({ id, subject, origin: "central" });
    return accepted;
  }
}

/** Records of a node's audit. */
export async function audited(world: World, node: string, query: AuditQuery): Promise<readonly AuditRecordOf[]> {
  return world.drive(Promise.resolve(world.daemon(node).operations.audit(query)));
}
