import type { Actor } from "xstate";
import { linkEvent, linkMachine } from "../actors/link.ts";
import { type Inspector, startRoot } from "../actors/root.ts";
import type { Clock } from "../message/clock.ts";
import type { StuckLane } from "../message/standstill.ts";
import { isSubject } from "../message/subject.ts";
import { type Answers, listenForAcks } from "./acks.ts";
import { isInbox } from "./logins.ts";
import type { LinkCode, LinkStatus, Packet, Refusal, Transport } from "./transport.ts";

/** The link to the broker as it is now. */
export interface BrokerHealth {
  readonly state: "connecting" | "connected" | "disconnected" | "denied";
  readonly since: number;
  readonly server?: string;
  readonly fault?: string;
  /** The code of the fault in the catalogue of errors, which says what to do. */
  readonly code?: LinkCode;
  /** The operations that the broker does not permit: `publish <subject>`, `subscribe <subject>`. */
  readonly refused?: readonly string[];
}

/** This node's link to the broker: its actor, what comes over it, and what the broker does not permit. */
export interface BrokerLinkOptions {
  readonly node: string;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly inspector: Inspector;
  readonly counters: { refuse(code: string, details: object): void };
}

/** The handlers of the packets that come over the link. */
export interface LinkEnds {
  readonly receiver: { receive(packet: Packet): void };
  readonly answers: Answers;
  readonly watcher: LinkWatcher;
  readonly failures: {
    report(code: string, text: string, same: string): void;
    over(code: string, text: string, same: string): void;
  };
}

/** The listener to every change of status of the link: `runtime/daemon/links.ts`. */
export interface LinkWatcher {
  linkChanged(status: LinkStatus): void;
  /** The broker refuses something for want of permission, or permits it again. */
  permissionsChanged(): void;
}

/** Most refusals that are remembered: replies have ever new subjects. */
const SOME = 10;
const DENIED = "broker-denied";

export class BrokerLink {
  readonly #actor: Actor<typeof linkMachine>;
  readonly #releasers: (() => void)[] = [];
  /** Operations that the present broker has refused for want of permission, and since when. */
  readonly #refused = new Map<
    string,
    { readonly since: number; readonly operation: Refusal["operation"]; readonly subject: string }
  >();
  readonly #options: BrokerLinkOptions;
  #watcher: LinkWatcher | undefined;

  constructor(options: BrokerLinkOptions) {
    const { clock, inspector } = options;
    this.#options = options;
    this.#actor = startRoot(linkMachine, { actor: "link", role: "link", clock, inspector, input: { at: clock.now() } });
  }

  begin({ receiver, answers, watcher, failures }: LinkEnds): void {
    const { node, transport, counters, clock } = this.#options;
    this.#watcher = watcher;
    const acks = listenForAcks(transport, answers);
    const packets = transport.subscribe(`${node}.>`, (packet) => receiver.receive(answerable(packet)));
    const status = transport.onStatus((next) => this.#changed(next));
    const refusals = transport.onRefusal(({ operation, subject, over }) => {
      const text = `the broker refuses to let this node ${operation} ${subject}`;
      const key = `${operation} ${subject}`;
      const before = this.#refused.size;
      if (over === true) {
        this.#refused.delete(key);
        failures.over(DENIED, text, text);
      } else {
        counters.refuse(DENIED, { operation, subject });
        const isNews = this.#refused.size < SOME && !this.#refused.has(key);
        if (isNews) this.#refused.set(key, { since: clock.now(), operation, subject });
        failures.report(DENIED, text, text);
      }
      if (this.#refused.size !== before) watcher.permissionsChanged();
    });
    this.#releasers.push(
      () => acks.end(),
      () => packets.end(),
      status,
      refusals,
    );
    this.#changed(transport.status());
  }

  health(): BrokerHealth {
    const { value, context } = this.#actor.getSnapshot();
    const status = this.#options.transport.status();
    const code = "code" in status ? status.code : undefined;
    return {
      state: value === "closed" ? "disconnected" : value,
      since: context.since,
      ...(context.server === null ? {} : { server: context.server }),
      ...(context.fault === null ? {} : { fault: context.fault }),
      ...(context.fault === null || code === undefined ? {} : { code }),
      ...(this.#refused.size === 0 ? {} : { refused: [...this.#refused.keys()] }),
    };
  }

  /** The subjects that the broker refuses to this node, subscriptions first: nothing of them arrives or leaves. */
  refused(): StuckLane[] {
    const { node } = this.#options;
    return [...this.#refused.values()]
      .sort((a, b) => Number(a.operation === "publish") - Number(b.operation === "publish"))
      .map(({ since, operation, subject }) => ({ subject, since, reason: refusalText(node, operation) }));
  }

  /** Ends the packets of this link; the actor still sees the transport close. */
  end(): void {
    for (const release of this.#releasers.splice(0).reverse()) release();
  }

  stop(): void {
    this.#actor.stop();
  }

  #changed(status: LinkStatus): void {
    const { clock } = this.#options;
    this.#actor.send(linkEvent(status, clock.now()));
    if (status.state === "connected") this.#refused.clear();
    this.#watcher?.linkChanged(status);
  }
}

function refusalText(node: string, operation: Refusal["operation"]): string {
  const effect = operation === "subscribe" ? `nothing of it reaches ${node}` : `nothing of it leaves ${node}`;
  return `the broker does not let ${node} ${operation} to it: ${effect}`;
}

/** The sender chooses where the answer goes: no answer of this node may be a packet on a lane, which it would write to. */
function answerable(packet: Packet): Packet {
  const { reply, ...rest } = packet;
  return reply === undefined || isInbox(reply) || !isSubject(reply) ? packet : rest;
}
