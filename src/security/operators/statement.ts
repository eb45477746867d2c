import { createHash } from "node:crypto";
import type { Json, Message } from "../../message/message.ts";
import { receiverOf, withoutReceiver } from "../../message/subject.ts";
import { canonical, isSignedBy, type Signer, signBody } from "../keys/signed.ts";

/**
 * An operator's own word on one command: "the message with this id may bring this content to this node, on this method and
 * domain, until then". The statement travels with the message, and the node verifies it with the operator's key, so that central can
 * pass commands on and make none up. The id belongs to one message: a node takes a statement once.
 */
const PURPOSE = "command";

/** The longest that a command may wait with a statement, ms. */
export const LONGEST_STATEMENT = 30 * 86_400_000;

export interface Statement {
  /** The last moment at which a node takes it, ms since 1970. */
  readonly until: number;
  /** base64url. */
  readonly signature: string;
}

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

  sign({ id, subject, data }: Stated, until: number): Statement {
    if (data !== this.#data) {
      this.#data = data;
      this.#digest = digestOf(data);
    }
    const body = bodyOf(this.#operator, id, subject, this.#digest, until);
    return { until, signature: signBody(this.#signer, PURPOSE, body).signature };
  }
}

/** True if the holder of `key` has made this statement on this message, in the name of `operator`. */
export function isStatement(
  key: string,
  operator: string,
  { id, subject, data }: Stated,
  statement: Statement,
): boolean {
  const body = bodyOf(operator, id, subject, digestOf(data), statement.until);
  return isSignedBy(key, PURPOSE, { body, by: key, signature: statement.signature });
}

function bodyOf(operator: string, id: string, subject: string, digest: string, until: number): StatementBody {
  return { operator, id, node: receiverOf(subject), subject: withoutReceiver(subject), digest, until };
}

function digestOf(data: Json): string {
  return createHash("sha256").update(canonical(data)).digest("base64url");
}
