import type { Packet } from "../../src/broker/transport.ts";
import { StewardError } from "../../src/message/errors.ts";
import { encodeItem, packFrame } from "../../src/message/wire/frame.ts";
import { encodeRefusal } from "../../src/message/wire/frame-refusal.ts";
import { seededRandom } from "../harness/random.ts";
import type { World } from "../harness/world/world.ts";
import type { HostileWay } from "./script.ts";

/** Packets that are remembered. */
const MOST = 4_000;
/** The number that no message of a script has. */
const FORGED = 1_000_000;

/**
 * A broker in the hands of somebody else: it keeps every packet that has reached a daemon, and hands them out again when
 * and where it likes, whole or changed, and packets of its own beside them. To withhold and to delay is what links do.
 */
export class HostileBroker {
  readonly #world: World;
  readonly #seen: Packet[] = [];
  #forged = 0;

  constructor(world: World) {
    this.#world = world;
    world.broker.watch((packet) => {
      if (this.#seen.length < MOST) this.#seen.push(packet);
      else this.#seen[this.#forged++ % MOST] = packet;
    });
  }

  /** `from`: a number that decides which packets, and how they are changed. */
  strike(way: HostileWay, from: number, count: number): void {
    const random = seededRandom(from);
    const pick = (): Packet | undefined => this.#seen[Math.floor(random.next() * this.#seen.length)];
    for (let i = 0; i < count; i++) {
      const [one, other] = [pick(), pick()];
      if (one === undefined || other === undefined) return;
      for (const packet of this.#changed(way, one, other, random.next)) this.#world.broker.inject(packet);
    }
  }

  /** Everything that was ever seen, once more. */
  replayAll(): void {
    for (const packet of [...this.#seen]) this.#world.broker.inject(packet);
  }

  #changed(way: HostileWay, one: Packet, other: Packet, next: () => number): Packet[] {
    switch (way) {
      case "replay":
        return [one];
      case "swap":
        return [
          { ...one, payload: other.payload },
          { ...other, payload: one.payload },
        ];
      case "edit":
        return [{ ...one, payload: edited(one.payload, next) }];
      case "clear":
        return this.#inClear(one);
    }
  }

  /** A command, and a refusal of what was sent, as an old steward would write them. */
  #inClear({ subject, reply }: Packet): Packet[] {
    const { time, random } = this.#world;
    const id = `0${Buffer.from(random.bytes(16)).toString("hex").toUpperCase().slice(0, 25)}`;
    const data = { do: "forged", n: FORGED + this.#forged++ };
    const item = encodeItem({ id, createdAt: time.now(), deliverBy: null, timeout: null, data });
    const [node = ""] = subject.split(".");
    const lane = `${node}.command.redo.os`;
    const head = { origin: "central", epoch: "forged", sentAt: time.now(), first: 1, acked: 0 };
    const payload = packFrame(lane, head, [item], null);
    const frame: Packet = { subject: lane, payload, reply: "_INBOX.forged.x", noResponders: false };
    if (reply === undefined) return [frame];
    const error = new StewardError("frame-too-large", { subject, limit: 1 });
    const refusal = encodeRefusal(subject, error, { node, receiverEpoch: "forged", sentAt: time.now() });
    return [frame, { subject: reply, payload: refusal, noResponders: false }];
  }
}

const HEADER = 34;

function edited(payload: Uint8Array, next: () => number): Uint8Array {
  const at = (below: number): number => Math.floor(next() * below);
  const copy = Buffer.from(payload);
  const way = at(4);
  if (way === 0) return copy.subarray(0, at(copy.length));
  // Without the salt of its receiver; with the header of version 1.
  if (way === 1) copy.fill(0, 20, 28);
  else if (way === 2) copy[2] = 1;
  else {
    const byte = at(next() < 0.5 ? Math.min(HEADER, copy.length) : copy.length);
    copy[byte] = (copy[byte] ?? 0) ^ (1 << at(8));
  }
  return copy;
}
