import type { Packet, Transport } from "../../broker/transport.ts";
import type { Journal } from "../../journal/journal.ts";
import type { DraftTaker } from "../../message/draft.ts";
import { faultText, StewardError } from "../../message/errors.ts";
import type { Json } from "../../message/message.ts";
import { readJson } from "../../message/text/json-reader.ts";
import { toJson } from "../../message/text/located.ts";
import { textOf } from "../../message/text/text.ts";
import { deeperThan, FRAME_LIMITS, hasMoreParts } from "../../message/wire/bounds.ts";
import type { Counters } from "../../observe/metrics/counters.ts";
import { PLAIN_PUBLISHER } from "../../security/policy/layer.ts";
import type { Routes } from "./routes.ts";

/** The most bytes of a plain publisher's body. */
const FOREIGN_BYTES = 1024 * 1024;

/** The data in the body of a plain NATS publisher: `{"data": …}`. @throws Error with the fault of the body */
function foreignData(payload: Uint8Array): Json {
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
  const unknown = Object.keys(body).find((key) => key !== "data");
  if (unknown !== undefined)
    throw new Error(`the body holds ${JSON.stringify(unknown)}: of a plain publisher "data" is taken and no other key`);
  if (deeperThan(body, FRAME_LIMITS.depth)) throw new Error(`the body is nested deeper than ${FRAME_LIMITS.depth}`);
  return (body as { data: Json }).data;
}

interface ForeignOptions {
  readonly routes: Routes;
  readonly counters: Counters;
  readonly transport: Transport;
  readonly journal: Pick<Journal, "flushed">;
  readonly submitter: DraftTaker;
}

/** Submits the message of a plain NATS publisher, where the configuration allows that. */
export async function takeForeign({ subject, payload, reply }: Packet, options: ForeignOptions): Promise<void> {
  const { routes, counters, transport, journal, submitter } = options;
  const answer = (body: object): void => {
    if (reply !== undefined) transport.publish(reply, Buffer.from(JSON.stringify(body)));
  };
  const route = routes.get(subject);
  if (route === undefined || !route.config.foreign) {
    counters.refuse("foreign-refused", { subject, bytes: payload.length });
    answer({
      error: { code: "foreign-refused", message: `${subject} does not take messages from plain NATS publishers` },
    });
    return;
  }
  try {
    const data = foreignData(payload);
    route.decide({ origin: PLAIN_PUBLISHER }, data);
    if (routes.credit(route) === 0) throw new StewardError("queue-full", { subject, limit: route.config.queue });
    const [record] = submitter.submit([{ subject, data }], { foreign: true });
    await journal.flushed();
    answer({ id: record?.message.id ?? "" });
  } catch (error) {
    const code = error instanceof StewardError ? error.code : "data-invalid";
    counters.refuse(code === "data-invalid" ? "foreign-invalid" : code, { subject, fault: faultText(error) });
    answer({ error: { code, message: faultText(error) } });
  }
}
