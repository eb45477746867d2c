import { createHash } from "node:crypto";
import type { CarriedStatement, Json, Message, SignedRuns } from "../../message/message.ts";
import { receiverOf, withoutReceiver } from "../../message/subject.ts";
import { canonical, isSignedBy, type Signer, signBody } from "../keys/signed.ts";

/**
 * An operator's own word on a command for one node. The statement travels with the message, and the node verifies it with the
 * operator's key, so that central can pass commands on and make none up.
 *
 *   command   "the message with this id may bring this content to this node, on this method and domain, until then"
 *   job       "messages of this order may bring this content to this node: so many times at most, the first not before that
 *             time, each next one so much later at least, and none after that"
 *
 * A node takes a statement on a command once, and each run of an order once.
 */
const PURPOSE = "command";
const JOB = "job";

/** The longest that a command may wait with a statement, and that runs of a job are signed for, ms. */
export const LONGEST_STATEMENT = 30 * 86_400_000;
/** The most runs that are signed at once. */
export const MOST_RUNS = 1000;

type Stated = Pick<Message, "id" | "subject" | "data">;

interface StatementBody {
  readonly operator: string;
  readonly id: string;
  readonly node: string;
  /** `<kind>.<method>.<domain>` */
  readonly subject: string;
  /** SHA-256 of the data as JSON with its keys in order, base64url. */
  readonly digest: string;
  readonly until: number;
}

interface JobBody extends Omit<StatementBody, "id">, SignedRuns {}

/** Signs commands of one content: its digest is worked out once. */
export class StatementSigner {
  readonly #signer: Signer;
  readonly #operator: string;
  #data: Json | undefined;
  #digest = "";

  constructor(signer: Signer, operator: string) {
    this.#signer = signer;
    this.#operator = operator;
  }

  sign({ id, subject, data }: Stated, until: number): CarriedStatement {
    const body: StatementBody = { ...this.#common(subject, data, until), id };
    return { until, signature: signBody(this.#signer, PURPOSE, body).signature };
  }

  /** The signature on runs of a job at the node of a subject. */
  signRuns({ subject, data }: Omit<Stated, "id">, runs: SignedRuns, until: number): string {
    return signBody(this.#signer, JOB, jobBody(this.#common(subject, data, until), runs)).signature;
  }

  #common(subject: string, data: Json, until: number): Omit<StatementBody, "id"> {
    if (data !== this.#data) {
      this.#data = data;
      this.#digest = digestOf(data);
    }
    return common(this.#operator, subject, this.#digest, until);
  }
}

/** True if the holder of `key` has made this statement on this message, in the name of `operator`. */
export function isStatement(
  key: string,
  operator: string,
  { id, subject, data }: Stated,
  { until, signature, run }: CarriedStatement,
): boolean {
  const body = common(operator, subject, digestOf(data), until);
  if (run === undefined) return isSignedBy(key, PURPOSE, { body: { ...body, id }, by: key, signature });
  return isSignedBy(key, JOB, { body: jobBody(body, run), by: key, signature });
}

/** The name under which a node remembers that it took a command for a statement. */
export function useOf({ id, operator }: Pick<Message, "id" | "operator">): string {
  const run = operator?.statement?.run;
  return run === undefined ? id : `${run.order}.${run.run}`;
}

function common(operator: string, subject: string, digest: string, until: number): Omit<StatementBody, "id"> {
  return { operator, node: receiverOf(subject), subject: withoutReceiver(subject), digest, until };
}

function jobBody(body: Omit<StatementBody, "id">, { order, from, runs, gap }: SignedRuns): JobBody {
  return { ...body, order, from, runs, gap };
}

function digestOf(data: Json): string {
  return createHash("sha256").update(canonical(data)).digest("base64url");
}
