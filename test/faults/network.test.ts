import { expect, test, vi } from "vitest";
import { eventuallySeen } from "../harness/eventually.ts";
import { startBroker } from "../harness/fleet/broker.ts";
import { type Fleet, startFleet } from "../harness/fleet/fleet.ts";
import { type Network, startNetwork, whyNoNetem, whyNoNetwork } from "../harness/fleet/network.ts";
import { check } from "./scene/checker.ts";
import { ledgerOf } from "./scene/ledger.ts";

// Real processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

/** The edge on a host of its own, behind a real network interface: what a proxy shows of a bad link, the kernel shows too. */

const noNetwork = whyNoNetwork();
const noNetem = noNetwork ?? whyNoNetem();
if (noNetwork !== undefined) process.stderr.write(`\n*** NOT SHOWN with network namespaces: ${noNetwork}\n\n`);
else if (noNetem !== undefined) process.stderr.write(`\n*** NOT SHOWN with netem (the proxy shows it): ${noNetem}\n\n`);

const ordered = { domain: "ordered" };

async function overseas(): Promise<{ readonly fleet: Fleet; readonly network: Network }> {
  const network = await startNetwork();
  const broker = await startBroker({ address: network.address, within: network.shore });
  const subscribe = [{ subject: "command.shellcommand.ordered", from: ["central"], concurrency: 1 }];
  const nodes = { central: { within: network.shore }, ship1: { config: { subscribe }, within: network.ship } };
  return { fleet: await startFleet({ nodes, broker }), network };
}

test.skipIf(noNetwork !== undefined)(
  "a cable that is pulled: the node goes offline, and its work goes on when it is back",
  async () => {
    const { fleet, network } = await overseas();
    const ledger = ledgerOf(fleet);
    const submit = async (seconds?: number): Promise<string> => {
      const [one] = await fleet.central.api.submit([
        ledger.draft("ship1", { ...ordered, ...(seconds === undefined ? {} : { seconds }) }),
      ]);
      return one?.id ?? "";
    };
    const runs = await submit(0.5);
    await eventuallySeen("it runs", async () => (await ledger.ran()).includes(runs));
    network.pull();
    const waits = await submit();
    await fleet.link("ship1", "offline", 8_000);
    expect((await fleet.central.api.message(runs)).final).toBe(false);
    network.plug();
    const verdict = await check({ fleet, ledger, accepted: [runs, waits], ordered: ["ordered"] });
    expect(verdict).toEqual({ commands: 2, ok: 2, lost: 0, doubled: 0, disordered: 0, unknown: 0, breaches: [] });
  },
);

test.skipIf(noNetem !== undefined)("600 ms round trip and 5 % loss: everything comes through, once", async () => {
  const { fleet, network } = await overseas();
  const ledger = ledgerOf(fleet);
  network.netem(["delay", "300ms", "loss", "5%"]);
  const drafts = Array.from({ length: 20 }, () => ledger.draft("ship1", ordered));
  const accepted = (await fleet.central.api.submit(drafts)).map(({ id }) => id);
  const verdict = await check({ fleet, ledger, accepted, ordered: ["ordered"] });
  expect(verdict).toMatchObject({ commands: 20, ok: 20, lost: 0, doubled: 0, breaches: [] });
});
