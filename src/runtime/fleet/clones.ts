import type { Clock } from "../../message/clock.ts";
import type { Hello } from "../../methods/hello.ts";

/**
 * Two hosts that live under one name at the same time, each with a journal of its own: a data directory that was copied.
 *
 *   alone ─▶ held (both are heard in turn) ─▶ alone (one was not heard for a while)
 *
 * A node that is installed anew, however often, never comes back with an earlier journal; a restored node comes back with
 * one once, and takes a new one. So a name is held after three returns within a few hellos: of one journal, of the other,
 * and of the first again. A hello counts once, by the clock of its sender: a late, doubled or overtaken hello proves nothing.
 */
export interface ClonesOptions {
  readonly clock: Clock;
  readonly names: NameKeeper;
}

/** Acts when a name is found to be doubled, or single again. */
export interface NameKeeper {
  /** Holds messages to and from that name back, but for its hellos. */
  hold(name: string, why: string): void;
  release(name: string, text: string): void;
}

interface Journal {
  /** Time of its last hello, by our monotonic clock (`at`) and by the clock of the sender (`said`), ms. */
  at: number;
  said: number;
}

interface Name {
  readonly journals: Map<string, Journal>;
  current: string;
  /** The latest journals that came back while another one was current, with the time. */
  returns: { readonly epoch: string; readonly at: number }[];
  held: readonly [string, string] | undefined;
}

/** Hello intervals: within `WITHIN` of them three returns count; after `GONE` of them without a hello a journal is gone. */
const WITHIN = 6;
const GONE = 4;
/** The most journals of one name that are remembered. */
const MOST = 8;
const RETURNS = 3;

export class Clones {
  readonly #options: ClonesOptions;
  readonly #names = new Map<string, Name>();

  constructor(options: ClonesOptions) {
    this.#options = options;
  }

  hello(name: string, { epoch, now: said, every }: Pick<Hello, "epoch" | "now" | "every">): void {
    const at = this.#options.clock.monotonic();
    const known = this.#names.get(name);
    if (known === undefined) {
      const journals = new Map([[epoch, { at, said }]]);
      this.#names.set(name, { journals, current: epoch, returns: [], held: undefined });
      return;
    }
    const journal = known.journals.get(epoch);
    if (journal !== undefined && said <= journal.said) return;
    known.journals.delete(epoch);
    known.journals.set(epoch, { at, said });
    for (const oldest of known.journals.keys()) if (known.journals.size > MOST) known.journals.delete(oldest);
    if (epoch !== known.current) {
      known.current = epoch;
      if (journal === undefined) known.returns = [];
      else known.returns = [...known.returns, { epoch, at }].slice(-RETURNS);
    }
    if (known.held === undefined) this.#suspect(name, known, at - WITHIN * every);
    else this.#relax(name, known, known.held, at - GONE * every);
  }

  #suspect(name: string, known: Name, since: number): void {
    const [one, other] = known.returns;
    if (known.returns.length < RETURNS || one === undefined || other === undefined || one.at < since) return;
    known.held = [one.epoch, other.epoch];
    this.#options.names.hold(name, `two nodes call themselves ${name} (journals ${known.held.join(" and ")})`);
  }

  #relax(name: string, known: Name, held: readonly [string, string], since: number): void {
    const gone = [...known.journals].filter(([epoch, { at }]) => epoch !== known.current && at >= since);
    if (gone.length > 0) return;
    known.held = undefined;
    known.returns = [];
    const lost = held.filter((epoch) => epoch !== known.current).join(" and ");
    this.#options.names.release(
      name,
      `${name} is one node again: journal ${known.current} goes on, ${lost} is not heard any more`,
    );
  }
}
