import { createHash } from "node:crypto";
import { receiverOf } from "../../../src/message/subject.ts";
import type { Envelope, Opened } from "../../../src/message/wire/envelope.ts";

/** One packet as its sender sealed it. */
interface Sealed {
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  taken: boolean;
}

/**
 * Sees every packet of a world before the broker gets it and after a daemon has opened it: what is taken must have been
 * sealed, to the last bit, for that node and subject by the node that it is held to be from, and is taken once in all lives.
 */
export class Witness {
  readonly faults: string[] = [];
  readonly #sealed = new Map<string, Sealed>();

  /** The envelope of one life of a node, under the eyes of this witness. */
  over(node: string, envelope: Envelope): Envelope {
    return {
      seal: (subject, ...rest) => this.#sent(node, receiverOf(subject), subject, envelope.seal(subject, ...rest)),
      sealAck: (to, subject, ...rest) => this.#sent(node, to, subject, envelope.sealAck(to, subject, ...rest)),
      sealRefusal: (to, subject, error, own) => {
        const bytes = envelope.sealRefusal(to, subject, error, own);
        return this.#sent(node, String(to ?? error.details.origin), subject, bytes);
      },
      open: (subject, payload) => this.#opened(node, subject, payload, envelope.open(subject, payload)),
      knows: (other) => envelope.knows(other),
      session: (other) => envelope.session(other),
    };
  }

  #sent(from: string, to: string, subject: string, bytes: Uint8Array): Uint8Array {
    this.#sealed.set(digest(bytes), { from, to, subject, taken: false });
    return bytes;
  }

  #opened(node: string, subject: string, payload: Uint8Array, opened: Opened): Opened {
    // Nothing follows from a hint.
    if (opened.kind === "hint") return opened;
    const sealed = this.#sealed.get(digest(payload));
    const what = `${node} took a ${opened.kind} of ${opened.from} on ${subject}`;
    if (sealed === undefined) this.faults.push(`${what} that nobody has sealed`);
    else if (sealed.taken) this.faults.push(`${what} twice`);
    else if (sealed.from !== opened.from || sealed.to !== node || sealed.subject !== subject)
      this.faults.push(`${what} that ${sealed.from} has sealed for ${sealed.to} on ${sealed.subject}`);
    else sealed.taken = true;
    return opened;
  }
}

function digest(bytes: Uint8Array): string {
  return createHash("sha1").update(bytes).digest().toString("latin1");
}
