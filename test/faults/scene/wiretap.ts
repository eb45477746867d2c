import { connect, type NatsConnection } from "nats";
import { decodeFrame, type Frame } from "../../../src/message/wire/frame.ts";
import { decodeRefusal, type FrameRefusal } from "../../../src/message/wire/frame-refusal.ts";
import { isFrame } from "../../../src/message/wire/packet.ts";
import type { Fleet } from "../../harness/fleet/fleet.ts";
import { isRefusal } from "../../harness/packets.ts";
import { atTestEnd } from "../../harness/temp.ts";

/** Somebody at the broker who records all that passes, and publishes what he likes. He is gone when the test is over. */
export interface Wiretap {
  /** The first frame with messages that passed on this subject. */
  frame(subject: string): Frame & { readonly payload: Uint8Array };
  /** ACKs that passed for this lane, each with the subject that it came on: whatever answers a frame and does not refuse it. */
  acks(lane: string): readonly { readonly subject: string; readonly payload: Uint8Array }[];
  /** Refusals of frames that passed for this lane. */
  refusals(lane: string): readonly FrameRefusal[];
  /** Resolves once the broker has it. What answers it and does not refuse it is counted in `answers`. */
  publish(subject: string, payload: Uint8Array): Promise<void>;
  readonly answers: number;
}

export async function wiretap(fleet: Fleet): Promise<Wiretap> {
  const nats: NatsConnection = await connect({ servers: fleet.broker?.url ?? "" });
  atTestEnd(
    () => nats.close(),
    () => undefined,
  );
  const passed: { readonly subject: string; readonly payload: Uint8Array }[] = [];
  const own = "wiretap.answer.";
  const answering = (lane: string) => passed.filter(({ subject }) => `${subject}.`.includes(`.${lane}.`));
  let answers = 0;
  nats.subscribe(">", {
    callback: (_error, { subject, data }) => {
      if (subject.startsWith(own) && !isRefusal(data)) answers++;
      passed.push({ subject, payload: Uint8Array.from(data) });
    },
  });
  await nats.flush();
  return {
    frame(subject) {
      for (const { subject: on, payload } of passed) {
        if (on !== subject || !isFrame(payload)) continue;
        const frame = decodeFrame(subject, payload);
        if (frame.items.length > 0) return { ...frame, payload };
      }
      throw new Error(`no frame passed on ${subject}`);
    },
    acks: (lane) => answering(lane).filter(({ payload }) => isFrame(payload) && !isRefusal(payload)),
    refusals: (lane) =>
      answering(lane).flatMap(({ payload }) => (isRefusal(payload) ? [decodeRefusal(lane, payload)] : [])),
    async publish(subject, payload) {
      nats.publish(subject, payload, { reply: `${own}${subject}` });
      await nats.flush();
    },
    get answers() {
      return answers;
    },
  };
}
