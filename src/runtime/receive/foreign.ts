import { deeperThan, FRAME_LIMITS, hasMoreParts } from "../../message/bounds.ts";
import { readJson } from "../../message/json-reader.ts";
import { toJson } from "../../message/located.ts";
import type { Json } from "../../message/message.ts";
import { textOf } from "../../message/text.ts";

/** Bytes of a plain publisher's body. */
const FOREIGN_BYTES = 1024 * 1024;

/** The data in the body of a plain NATS publisher: `{"data": …}`. Throws an Error that says what is wrong with it. */
export function foreignData(payload: Uint8Array): Json {
  if (payload.length > FOREIGN_BYTES)
    throw new Error(`the body has ${payload.length} bytes, ${FOREIGN_BYTES} are allowed`);
  const read = textOf(payload);
  if ("fault" in read) throw new Error(`the body cannot be read: ${read.fault}`);
  if (hasMoreParts(read.text, FRAME_LIMITS.parts))
    throw new Error(`the body has more than ${FRAME_LIMITS.parts} parts`);
  const { values, faults } = readJson(read.text);
  const [fault] = faults;
  if (fault !== undefined) throw new Error(`the body is neither a frame nor JSON that is taken: ${fault.text}`);
  const [value] = values;
  if (value === undefined || values.length > 1)
    throw new Error(`the body holds ${values.length} values, one is needed`);
  const body = toJson(value);
  if (typeof body !== "object" || body === null || !("data" in body))
    throw new Error('the body is not of the form {"data": …}');
  if (deeperThan(body, FRAME_LIMITS.depth)) throw new Error(`the body is nested deeper than ${FRAME_LIMITS.depth}`);
  return (body as { data: Json }).data;
}
