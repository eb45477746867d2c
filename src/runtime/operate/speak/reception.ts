import type { Speaker } from "../../../security/operators/speaker.ts";
import type { Operations } from "../table.ts";
import { guarded } from "./guard.ts";

/** A request, as far as it tells who speaks. */
export interface ApiRequest {
  readonly method: string;
  /** The path with its query, as it stands in the request line. */
  readonly url: string;
  header(name: string): string | undefined;
}

export interface Identified {
  readonly speaker: Speaker;
  /** The digest that the body must have (`bodyDigest`), where it was signed with the request. */
  readonly digest?: string;
  /** The speaker as he is now, for an answer that goes on. @throws StewardError why he is not known any more */
  readonly now: () => Speaker;
}

/**
 * A way of being identified: it yields the speaker of a request, or refuses with the error that the client is shown. One
 * listener has one of them: the socket takes signatures (`identify.ts`), a listener for browsers takes sessions.
 */
export type Identify = (request: ApiRequest) => Identified | Promise<Identified>;

/** The operations as one request may use them. */
export interface Admitted extends Identified {
  readonly operations: Operations;
}

/** The door between a listener and the operations: who asks is known, and bounded, before anything is asked. */
export class Reception {
  readonly #identify: Identify;
  readonly #operationsFor: (speaker: Speaker) => Operations;

  /** `operationsFor`: the operations that act in the name of a speaker. */
  constructor(identify: Identify, operationsFor: (speaker: Speaker) => Operations) {
    this.#identify = identify;
    this.#operationsFor = operationsFor;
  }

  /** @throws StewardError why the speaker is not known */
  async admit(request: ApiRequest): Promise<Admitted> {
    const identified = await this.#identify(request);
    const { speaker } = identified;
    return { ...identified, operations: guarded(this.#operationsFor(speaker), speaker) };
  }
}
