import { z } from "zod";
import { STATES, type State } from "../../../message/lifecycle.ts";
import type { Json } from "../../../message/message.ts";
import { isTimeKey } from "../../../message/text/time-words.ts";
import { LONGEST_WAIT } from "../../../message/wire/bounds.ts";

/** The bounds of a request, and of the streams that are open at once. */
export const LIMITS = { bodyBytes: 16 * 1024 * 1024, nesting: 64, drafts: 10_000, streams: 256 } as const;

export const time = z.number().int().meta({ description: "Milliseconds since 1970", format: "unix-ms" });
const timeText = z.string().nullable().describe("The same time as RFC 3339 text");

/** The parts are absent where the text is no subject. */
const SUBJECT_PARTS = { node: "The receiver", method: "The method", domain: "The domain" } as const;

/** The shape of an answer, with the fields that `withTimes` adds beside its times and its subject. */
export function thing<S extends z.core.$ZodLooseShape>(shape: S) {
  // The fields that the server adds are in the document, and not in the type that the operations answer.
  return z.strictObject({ ...shape, ...beside(shape) }) as unknown as z.ZodObject<S, z.core.$strict>;
}

/** A shape like that of `thing`, which may have more fields. */
export function looseThing<S extends z.core.$ZodLooseShape>(shape: S) {
  return z.looseObject({ ...shape, ...beside(shape) }) as unknown as z.ZodObject<S, z.core.$loose>;
}

function beside(shape: z.core.$ZodLooseShape): Record<string, z.ZodType> {
  const found: Record<string, z.ZodType> = {};
  for (const key of Object.keys(shape)) if (isTimeKey(key)) found[`${key}Time`] = opt(timeText);
  if (!("subject" in shape)) return found;
  for (const [part, meaning] of Object.entries(SUBJECT_PARTS))
    if (!(part in shape)) found[part] = opt(z.string().describe(`${meaning} of its subject`));
  return found;
}

export const opt = z.exactOptional;
export const text = z.string();
export const count = z.number().int().min(0);
export const milliseconds = z.number();
export const name = z.string().min(1).max(255);
export const id = z.string().min(1).max(64);
export const flag = z.enum(["true", "false"]).transform((value) => value === "true");
export const atMost = (most: number, least = 1) => z.coerce.number().int().min(least).max(most);
export const within = (least: number, most: number) => z.number().int().min(least).max(most);
export const state = z.enum(Object.keys(STATES) as [State, ...State[]]);
export const linkState = z.enum(["neverSeen", "online", "late", "offline"]);
export const direction = z.enum(["out", "in"]);

/** Any JSON value. Values come from JSON.parse, so only an absent one is a fault. */
export const anyJson = z.custom<Json>((value) => value !== undefined, "is missing").describe("Any JSON value");
export const byId = { id };
export const byName = { name };
export const labels = z.record(z.string().max(63), z.string().max(63)).describe("Labels of the node, key and value");
export const duration = within(0, LONGEST_WAIT);
export const nothing = z.strictObject({});
export const standstill = thing({ since: time, reason: text });
export const stuckLane = thing({ subject: text, since: time, reason: text });
export const fact = z.union([text, z.number(), z.boolean(), z.array(text)]);

/** Delivery to a node is held for maintenance. */
export const hold = thing({
  since: time,
  endsAt: time.nullable().describe("When the hold ends by itself; null: it has to be released"),
  by: text,
  note: opt(text),
});

export const operatorRole = z.enum(["viewer", "operator", "admin"]);

/** The type of the values that a schema accepts, readonly at every depth. */
export type Shown<S extends z.ZodType> = Frozen<z.infer<S>>;
type Frozen<T> = Json extends T ? T : T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T;

/** The compiler refuses a schema that differs from the type of a room's answer, in either direction, optional keys too. */
export type Same<S extends z.ZodType, T> = [z.infer<S>, T, Full<z.infer<S>>, Full<T>] extends [
  T,
  Shown<S>,
  Full<T>,
  Full<z.infer<S>>,
]
  ? true
  : false;
type Full<T> = Json extends T ? T : T extends object ? { readonly [K in keyof T]-?: Full<T[K]> } : T;
export const same = <_Proof extends readonly true[]>(): void => undefined;
