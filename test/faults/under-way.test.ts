import { expect } from "vitest";
import { startFleet } from "../harness/fleet/fleet.ts";
import { check, RECONNECTS } from "./scene/checker.ts";
import { ledgerOf } from "./scene/ledger.ts";
import { row } from "./scene/row.ts";

/** How long a command may wait, and for how much longer it is held on its way, ms: less than a link takes to be missed. */
const DEADLINE = 400;
const HELD = 1_200;

row(
  {
    number: 19,
    fault: "a frame held by the link, then by a stopped daemon, while its deadline passes",
    suite: { rounds: 1 },
    full: { rounds: 20 },
  },
  async ({ size, over, pass }) => {
    const fleet = await startFleet({ nodes: { central: {}, ship1: { proxied: true } } });
    const { central } = fleet;
    const ship1 = fleet.node("ship1");
    const ledger = ledgerOf(fleet);
    const accepted: string[] = [];
    const heldWith = async (hold: () => void, release: () => void): Promise<void> => {
      hold();
      const drafts = [ledger.draft("ship1", { deliverBy: DEADLINE }), ledger.draft("ship1", { deliverBy: 60_000 })];
      const [late = "", inTime = ""] = (await central.api.submit(drafts)).map(({ id }) => id);
      accepted.push(late, inTime);
      await central.message(late, "sent");
      await pass(HELD);
      release();
      await central.message(late, "expired", RECONNECTS);
      await central.message(inTime, "succeeded", RECONNECTS);
      expect(await ledger.ran()).not.toContain(late);
      await fleet.link("ship1", "online", RECONNECTS);
    };
    let faults = 0;
    for (; faults < 2 * size.rounds && !over(); faults += 2) {
      await heldWith(
        () => ship1.proxy.freeze(),
        () => ship1.proxy.resume(),
      );
      await heldWith(
        () => ship1.freeze(),
        () => ship1.resume(),
      );
    }
    return { faults, verdict: await check({ fleet, ledger, accepted }) };
  },
);
