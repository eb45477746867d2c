import { StewardError } from "../../message/errors.ts";
import { nodeNameFault } from "../../message/node-name.ts";
import type { OperatorDirectory } from "./directory.ts";
import { isPublicKey, MOST_OPERATORS, methodsFault, type OperatorRecord } from "./operator-record.ts";
import type { OperatorRole } from "./speaker.ts";
import { succeeded } from "./succession.ts";

/** The wishes of an admin for one operator. */
export interface OperatorOrder {
  /** Absent: the key that the operator has. */
  readonly key?: string;
  readonly role: OperatorRole;
  readonly on?: string;
  readonly methods?: readonly string[];
  /** Change the role and the bounds of an operator who is there. */
  readonly replace?: boolean;
}

export interface RosterOptions {
  readonly operators: OperatorDirectory;
  readonly now: () => number;
  /** Writes the operators into central's registry, and from there into every trust list. */
  readonly write: (operators: readonly OperatorRecord[]) => void;
}

/** Central's decisions on operators. Each is on disk before it counts, and counts from the next request on. */
export class Roster {
  readonly #options: RosterOptions;

  constructor(options: RosterOptions) {
    this.#options = options;
  }

  /** @throws StewardError `usage`, `operator-exists`, `operator-key-differs` */
  add(name: string, order: OperatorOrder, by: string): OperatorRecord {
    const { key, role, on, methods, replace = false } = order;
    const { operators, now } = this.#options;
    const present = operators.named(name);
    const fault = nodeNameFault(name) ?? orderFault(order) ?? keyFault(key, present);
    if (fault !== undefined) throw new StewardError("usage", { fault: `${name}: ${fault}`, command: "operator add" });
    if (present !== undefined && present.standing === "accepted" && !replace)
      throw new StewardError("operator-exists", { operator: name, role: present.role });
    if (present !== undefined && key !== undefined && key !== present.key)
      throw new StewardError("operator-key-differs", { operator: name, key: present.key });
    const holder = key === undefined ? undefined : (operators.holder(key) ?? operators.formerHolder(key));
    if (holder !== undefined && holder.name !== name)
      throw new StewardError("usage", { fault: `${name}: this is the key of ${holder.name}`, command: "operator add" });
    const record: OperatorRecord = {
      name,
      key: key ?? present?.key ?? "",
      role,
      standing: "accepted",
      since: now(),
      by,
      ...(on === undefined ? {} : { on }),
      ...(methods === undefined ? {} : { methods }),
      ...(present?.former === undefined ? {} : { former: present.former }),
    };
    this.#write(record);
    return record;
  }

  /** The operator is refused from the next request and the next frame on. @throws StewardError `operator-absent` */
  remove(name: string, by: string): OperatorRecord {
    const record = this.#insist(name);
    const removed = { ...record, standing: "removed" as const, since: this.#options.now(), by };
    this.#write(removed);
    return removed;
  }

  /** Another key, which the present one has signed. @throws StewardError `operator-absent`, `usage` */
  rekey(name: string, key: string, signature: string, by: string): OperatorRecord {
    const record = this.#insist(name);
    const { operators, now } = this.#options;
    const refused = (fault: string): StewardError =>
      new StewardError("usage", { fault: `${name}: ${fault}`, command: "operator rekey" });
    if (!isPublicKey(key)) throw refused("the new key is no public key U…");
    const holder = operators.holder(key) ?? operators.formerHolder(key);
    if (holder !== undefined) throw refused(`${holder.name} has or had this key`);
    try {
      const next = { ...succeeded(record, key, signature), since: now(), by };
      this.#write(next);
      return next;
    } catch (error) {
      throw error instanceof RangeError ? refused(error.message) : error;
    }
  }

  #insist(name: string): OperatorRecord {
    const record = this.#options.operators.named(name);
    if (record?.standing === "accepted") return record;
    throw new StewardError("operator-absent", { operator: name });
  }

  #write(record: OperatorRecord): void {
    const { operators, write } = this.#options;
    const others = operators.all().filter(({ name }) => name !== record.name);
    if (others.length >= MOST_OPERATORS)
      throw new StewardError("usage", { fault: `${MOST_OPERATORS} operators are allowed`, command: "operator add" });
    write([...others, record].sort((a, b) => (a.name < b.name ? -1 : 1)));
  }
}

function orderFault({ role, on, methods }: OperatorOrder): string | undefined {
  if (role !== "operator" && (on !== undefined || methods !== undefined))
    return `--on and --method bound what is sent, and the role ${role} ${role === "admin" ? "may send everything" : "sends nothing"}`;
  return methods === undefined ? undefined : methodsFault(methods);
}

function keyFault(key: string | undefined, present: OperatorRecord | undefined): string | undefined {
  if (key === undefined)
    return present === undefined
      ? "a key is missing: the person types `steward operator key NAME` and tells you the U… that is printed, for --key"
      : undefined;
  if (key.startsWith("SU"))
    return "this is the secret half of a key: it must never leave its owner. --key takes the public half, U…";
  return isPublicKey(key) ? undefined : "this is no public key of a person: U… and 55 more characters";
}
