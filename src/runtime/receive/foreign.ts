import { deeperThan, FRAME_LIMITS } from "../../message/bounds.ts";
import type { Json } from "../../message/message.ts";

/** Bytes of a plain publisher's body. */
const FOREIGN_BYTES = 1024 * 1024;

/** The data in the body of a plain NATS publisher: `{"data": …}`. Throws an Error that says what is wrong with it. */
export function foreignData(payload: Uint8Array): Json {
  if (payload.length > FOREIGN_BYTES)
    throw new Error(`the body has ${payload.length} bytes, ${FOREIGN_BYTES} are allowed`);
  let body: unknown;
  try {
    body = JSON.parse(Buffer.from(payload).toString("utf8"));
  } catch {
    throw new Error("the body is neither a frame nor JSON");
  }
  if (typeof body !== "object" || body === null || !("data" in body))
    throw new Error('the body is not of the form {"data": …}');
  if (deeperThan(body, FRAME_LIMITS.depth)) throw new Error(`the body is nested deeper than ${FRAME_LIMITS.depth}`);
  return (body as { data: Json }).data;
}
