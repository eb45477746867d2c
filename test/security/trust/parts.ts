import { Identity, newSeeds } from "../../../src/security/keys/identity.ts";
import { keysText, type PublicKeys } from "../../../src/security/keys/public-keys.ts";
import type { Signed } from "../../../src/security/keys/signed.ts";
import { EdgeTrust } from "../../../src/security/trust/edge-trust.ts";
import { type Admittance, Registry } from "../../../src/security/trust/registry.ts";
import type { TrustList } from "../../../src/security/trust/trust-list.ts";
import { SimulatedClock } from "../../harness/clock.ts";
import { seededRandom } from "../../harness/random.ts";
import { tempDir } from "../../harness/temp.ts";

/** Central with its registry, and machines that introduce themselves to it. */
export class TrustRoom {
  readonly clock = new SimulatedClock();
  readonly random = seededRandom(11);
  readonly data: string;
  readonly identity: Identity;
  registry: Registry;

  constructor(data: string) {
    this.data = data;
    this.identity = this.newIdentity();
    this.registry = this.open();
  }

  static async make(): Promise<TrustRoom> {
    return new TrustRoom(await tempDir());
  }

  newIdentity(): Identity {
    return new Identity(newSeeds(this.random));
  }

  /** The registry as a restart finds it. */
  open(identity = this.identity): Registry {
    const { data, clock, random } = this;
    this.registry = new Registry({ data, node: "central", identity, clock, random });
    return this.registry;
  }

  invite(node: string, lasts = 3_600_000, replace = false): Uint8Array {
    const [invited] = this.registry.invite([{ node, replace }], lasts, "ann");
    return invited?.secret ?? new Uint8Array();
  }

  /** A machine that is enrolled under a name. */
  enrolled(node: string): Identity {
    const identity = this.newIdentity();
    const answer = this.registry.introduce(node, identity.keys, this.invite(node));
    if (answer.kind !== "accepted") throw new Error(`${node} is ${answer.kind}`);
    return identity;
  }

  list(node: string): Signed<TrustList> {
    const list = this.registry.listFor(node);
    if (list === undefined) throw new Error(`${node} has no list`);
    return list;
  }

  edge(node: string, identity: Identity, data: string, pin: PublicKeys | undefined = this.identity.keys): EdgeTrust {
    return new EdgeTrust({ data, node, central: "central", pin, identity });
  }
}

export function codeOf(answer: Admittance): string {
  return answer.kind === "refused" ? answer.error.code : answer.kind;
}

export function texts(...keys: readonly PublicKeys[]): string[] {
  return keys.map(keysText);
}
