/** The reasons for which a message is held at its origin: durable, with an id, and not yet in a lane. */
export const HOLD_REASONS = ["schedule", "approval", "wave", "window", "rate", "order", "maintenance"] as const;
export type HoldReason = (typeof HOLD_REASONS)[number];

/** Why a message is held; `text`: the reason in words, such as the wave or the time that it waits for. */
export interface Hold {
  readonly reason: HoldReason;
  readonly text?: string;
}

export function holdText({ reason, text }: Hold): string {
  return text === undefined ? `held: ${reason}` : `held (${reason}): ${text}`;
}
