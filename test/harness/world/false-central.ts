import type { AskedBy, Json } from "../../../src/message/message.ts";
import { encodeFrame } from "../packets.ts";
import { quiet } from "./time.ts";
import type { World } from "./world.ts";

/** Central in other hands: frames in its name to `command.work.os` of ship1, on the lane that central itself has not used. */
export async function falseCentral({ world }: { readonly world: World }) {
  const subject = "ship1.command.work.os";
  const { epoch = "" } = world.daemon("central").operations.node("central");
  world.crash("central");
  const link = world.broker.connect("false");
  await quiet();
  let seq = 0;
  const send = async (id: string, data: Json, operator?: AskedBy): Promise<void> => {
    const now = world.time.now();
    const message = { id, createdAt: now, deliverBy: null, timeout: null, data };
    const item = operator === undefined ? message : { ...message, operator };
    const frame = { origin: "central", epoch, sentAt: now, first: ++seq, acked: seq - 1, items: [item] };
    link.publish(subject, encodeFrame(subject, frame, null), `${link.inbox}.x`);
    await world.advance(2_000);
  };
  const refused = async (): Promise<string[]> => {
    const { operations } = world.daemon("ship1");
    const records = await world.drive(Promise.resolve(operations.audit({ refused: true })));
    return records.map(({ why = "" }) => why);
  };
  return { send, refused, ran: () => world.ledger.runs.map(({ id }) => id) };
}
