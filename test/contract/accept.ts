import type { Inbox, Judgement, Taken } from "../../src/journal/inbox.ts";
import type { DoneRecord } from "../../src/journal/records.ts";
import type { Frame, FrameItem } from "../../src/message/wire/frame.ts";

/** `full`: there is no room for this one, nor for what follows. */
export type Judge = (item: FrameItem, seq: number) => Judgement | "full";

/** The place of a frame and what was taken of it, in short. */
export interface Accepted extends Taken {
  readonly duplicates: number;
  readonly gap?: number;
  readonly newEpoch: boolean;
  readonly wentBack: boolean;
  readonly lost?: readonly [from: number, to: number];
  readonly again: readonly DoneRecord[];
}

/** The way of a frame into an inbox, as the receiver goes it: placed, judged as far as there is room, taken. */
export function accept(inbox: Inbox, frame: Frame, subject: string, at: number, judge: Judge): Accepted {
  const place = inbox.place(frame, subject);
  const decisions: Judgement[] = [];
  if (place.kind === "new") {
    for (const [i, item] of frame.items.entries()) {
      const seq = frame.first + i;
      if (seq < place.from) continue;
      const judged = inbox.known(place, item, seq) ?? judge(item, seq);
      if (judged === "full") break;
      decisions.push(judged);
    }
  }
  const { duplicates, newEpoch, lost } = place;
  return {
    ...inbox.take(place, decisions, at),
    duplicates,
    newEpoch,
    wentBack: place.kind === "wentBack",
    again: decisions.flatMap((judged) => (judged.kind === "known" && judged.done !== undefined ? [judged.done] : [])),
    ...(place.kind === "gap" ? { gap: place.expected } : {}),
    ...(lost === undefined ? {} : { lost }),
  };
}
