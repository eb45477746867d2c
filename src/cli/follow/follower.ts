import type { LinkState } from "../../actors/node.ts";
import { LONGEST_TIMER } from "../../message/clock.ts";
import { normalise } from "../../message/errors.ts";
import type { Happening } from "../../message/happening.ts";
import type { Health } from "../../runtime/operate/table/daemon.ts";
import type { Accepted } from "../../runtime/operate/table/messages.ts";
import type { Cli } from "../cli.ts";
import { PrefixedOutput, RawOutput } from "../render/output.ts";
import { linkWord } from "../render/states.ts";
import { visible } from "../render/text.ts";
import { followEvents, pauseFor } from "./stream.ts";
import { inReach, type Tracked, takeDetail, takeEvent } from "./tracked.ts";

/**
 * Waits for messages, printing output as it comes.
 *
 *   listening (before anything is submitted, so that nothing is missed) → tracking → ended
 *
 * Ended by: all final · no node in reach has a message left, or the broker stayed away (rule `reachable`) · no message for the
 * daemon itself is left (rule `none`: there is no broker) · the time is over · the user detached · the daemon stayed away. Every
 * message is read again after each reconnect.
 */
export type WaitRule = "reachable" | "final" | "none";

export type Ending = "done" | "outOfReach" | "noBroker" | "timeOver" | "detached";

/** Milliseconds that a restarting daemon, and a broker, may be away; and between two looks at the broker. */
const DAEMON_MAY_BE_AWAY = 120_000;
const BROKER_MAY_BE_AWAY = 30_000;
const BROKER_LOOK = 1_000;

/** A message to follow; `stale`: it may be further than that by now. */
export interface Followed
  extends Pick<Accepted, "id" | "subject" | "node" | "link" | "linkSince" | "deliverBy" | "here"> {
  readonly stale?: boolean;
}

/** How output is printed. */
export interface FollowerLook {
  /** Control sequences are passed on to the terminal. */
  readonly raw?: boolean;
}

export class Follower {
  readonly tracked = new Map<string, Tracked>();
  readonly links = new Map<string, { state: LinkState; since: number }>();
  readonly #cli: Cli;
  readonly #raw: boolean;
  readonly #stop = new AbortController();
  readonly #removers: (() => void)[] = [];
  readonly #early: Happening[] = [];
  readonly #reading = new Set<string>();
  #rule: WaitRule | undefined;
  #looking = false;
  #settle: (ending: Ending) => void = () => undefined;
  #fail: (thrown: unknown) => void = () => undefined;
  readonly #ended: Promise<Ending>;
  #stream: Promise<void> = Promise.resolve();

  constructor(cli: Cli, look: FollowerLook = {}) {
    this.#cli = cli;
    this.#raw = look.raw === true;
    this.#ended = new Promise((resolve, reject) => {
      this.#settle = resolve;
      this.#fail = reject;
    });
    // Read by `wait`; a failure before that must not be an unhandled rejection.
    this.#ended.catch(() => undefined);
  }

  /** Resolves once events flow, so that no event of a message submitted afterwards is missed. */
  async listen(): Promise<void> {
    for (const name of ["SIGINT", "SIGTERM"] as const) {
      this.#removers.push(this.#cli.io.signals.on(name, () => this.#settle("detached")));
    }
    await new Promise<void>((resolve, reject) => {
      this.#stream = followEvents(this.#cli, {
        signal: this.#stop.signal,
        giveUpAfter: DAEMON_MAY_BE_AWAY,
        onOpen: (again) => {
          resolve();
          if (again) void this.#readAll();
        },
        onHappening: (happening) => this.#take(happening),
        onGap: () => void this.#readAll(),
      }).catch((thrown: unknown) => {
        reject(thrown);
        this.#fail(thrown);
      });
    });
  }

  /** Waits for these messages; the output of several is printed after the name of its node. */
  async wait(messages: readonly Followed[], rule: WaitRule, limit?: number): Promise<Ending> {
    const { io } = this.#cli;
    const several = messages.length > 1;
    const names = Math.max(0, ...messages.map((message) => message.node.length));
    for (const { id, subject, node, link, linkSince, deliverBy, here = false, stale = false } of messages) {
      const since = linkSince ?? 0;
      if (since >= (this.links.get(node)?.since ?? 0)) this.links.set(node, { state: link, since });
      const printer = this.#cli.json
        ? new RawOutput({ stdout: { write: () => undefined }, stderr: { write: () => undefined } }, () => undefined)
        : several
          ? new PrefixedOutput(io, visible(node).padEnd(names), { out: this.#cli.out, err: this.#cli.err })
          : new RawOutput(io, (line) => this.#cli.note(this.#cli.err("dim", line)), this.#raw);
      this.tracked.set(id, {
        id,
        subject,
        node,
        printer,
        here,
        state: "queued",
        began: false,
        final: false,
        since: 0,
        deliverBy,
        stale,
      });
    }
    for (const happening of this.#early.splice(0)) this.#take(happening);
    this.#rule = rule;
    // A timer cannot be longer; a wait that is has no limit.
    const bounded = limit !== undefined && limit <= LONGEST_TIMER;
    const timer = !bounded ? undefined : io.clock.setTimeout(() => this.#settle("timeOver"), limit);
    try {
      for (const tracked of this.tracked.values()) if (tracked.stale) await this.#read(tracked);
      this.#check();
      const ending = await this.#ended;
      if (ending !== "done" && ending !== "detached") await this.#readOpen();
      return ending;
    } finally {
      if (timer !== undefined) io.clock.clearTimeout(timer);
      for (const tracked of this.tracked.values()) tracked.printer.end();
    }
  }

  async close(): Promise<void> {
    this.#stop.abort();
    for (const remove of this.#removers.splice(0)) remove();
    await this.#stream;
  }

  #take(happening: Happening): void {
    if (happening.type === "node") {
      if (happening.region !== "link") return;
      this.#takeLink(happening.name, happening.to as LinkState, happening.at, happening.cause);
      if (happening.to === "late") void this.#lookAtBroker();
      this.#check();
      return;
    }
    if (happening.type !== "message" && happening.type !== "output") return;
    const tracked = this.tracked.get(happening.id);
    if (tracked === undefined) {
      if (this.#rule === undefined) this.#early.push(happening);
      return;
    }
    if (this.#cli.json) this.#cli.printJsonLine(happening);
    takeEvent(tracked, happening);
    if (tracked.stale) void this.#read(tracked);
    this.#check();
  }

  #takeLink(name: string, state: LinkState, since: number, cause: string): void {
    const before = this.links.get(name);
    this.links.set(name, { state, since });
    const waiting = [...this.tracked.values()].filter(({ node, here, final }) => node === name && !here && !final);
    if (waiting.length === 0 || before === undefined || inReach(before.state) === inReach(state)) return;
    const why = inReach(state) ? "" : ` (${visible(cause)})`;
    this.#cli.note(this.#cli.err("yellow", `${visible(name)} is ${linkWord(state)} now${why}`));
    // The state of a message changes when its node leaves or comes: the end is not reported before it is read.
    for (const tracked of waiting) {
      tracked.stale = true;
      void this.#read(tracked);
    }
  }

  /** Without a broker no node is in reach, though none is called offline for it. */
  async #lookAtBroker(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    const { clock } = this.#cli.io;
    for (let lostAt: number | undefined; !this.#stop.signal.aborted; ) {
      const broker = await this.#brokerState();
      if (broker === "connected" || broker === undefined) {
        if (lostAt !== undefined && broker !== undefined) this.#cli.note("the daemon is connected to its broker again");
        break;
      }
      if (lostAt === undefined) {
        lostAt = clock.monotonic();
        this.#cli.note(
          this.#cli.err("yellow", "the daemon has lost its broker: commands go on, and no node can be heard"),
        );
      }
      if (this.#rule === "reachable" && clock.monotonic() - lostAt >= BROKER_MAY_BE_AWAY) {
        this.#rule = "none";
        this.#check();
      }
      await pauseFor(this.#cli, BROKER_LOOK, this.#stop.signal);
    }
    this.#looking = false;
  }

  /** `undefined`: the daemon does not answer; the stream of events breaks as well. */
  async #brokerState(): Promise<Health["broker"]["state"] | undefined> {
    try {
      return (await (await this.#cli.daemon()).health()).broker.state;
    } catch {
      return undefined;
    }
  }

  /** Reads the reason of each open message once more; for a node out of reach its link is reason enough. */
  async #readOpen(): Promise<void> {
    for (const tracked of this.tracked.values())
      if (isOpen(tracked) && (this.#cli.json || tracked.here || inReach(this.links.get(tracked.node)?.state)))
        await this.#read(tracked);
  }

  async #readAll(): Promise<void> {
    const nodes = new Set([...this.tracked.values()].filter(isOpen).map(({ node }) => node));
    try {
      const daemon = await this.#cli.daemon();
      for (const name of nodes) {
        const known = await daemon.node(name).catch(unlessUnknown);
        if (known === undefined || known.linkSince < (this.links.get(name)?.since ?? 0)) continue;
        this.#takeLink(name, known.link, known.linkSince, known.cause);
      }
    } catch {
      // The stream breaks too, and all is read again when the daemon is back.
      return;
    }
    for (const tracked of this.tracked.values()) if (isOpen(tracked)) await this.#read(tracked);
    this.#check();
  }

  async #read(tracked: Tracked): Promise<void> {
    if (this.#reading.has(tracked.id)) return;
    this.#reading.add(tracked.id);
    try {
      do {
        tracked.stale = false;
        const daemon = await this.#cli.daemon();
        takeDetail(tracked, await daemon.message(tracked.id));
      } while (tracked.stale);
    } catch (thrown) {
      // A message that no daemon could show is read again; one that it refuses to show stays as the events left it.
      tracked.stale = normalise(thrown).code === "no-daemon";
    }
    this.#reading.delete(tracked.id);
    this.#check();
  }

  #check(): void {
    if (this.#rule === undefined || this.#reading.size > 0) return;
    const open = [...this.tracked.values()].filter(isOpen);
    if (open.length === 0) this.#settle("done");
    else if (this.#rule === "final" || open.some((tracked) => this.#mayComeSoon(tracked))) return;
    else this.#settle(this.#rule === "none" ? "noBroker" : "outOfReach");
  }

  #mayComeSoon(tracked: Tracked): boolean {
    const isThere = tracked.here || (this.#rule === "reachable" && inReach(this.links.get(tracked.node)?.state));
    return tracked.stale || (tracked.state !== "held" && isThere);
  }
}

function isOpen(tracked: Tracked): boolean {
  return !tracked.final || tracked.stale;
}

/** A message may be for a node that is known no more. */
export function unlessUnknown(thrown: unknown): undefined {
  if (normalise(thrown).code !== "node-unknown") throw thrown;
}
