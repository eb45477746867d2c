import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { expect, it, vi } from "vitest";
import type { Draft } from "../../src/message/draft.ts";
import { eventuallySeen } from "../harness/eventually.ts";
import { startFleet } from "../harness/fleet/fleet.ts";
import { seededRandom } from "../harness/random.ts";
import { RECONNECTS } from "./scene/checker.ts";
import { type Ledger, ledgerOf } from "./scene/ledger.ts";
import { metric } from "./scene/metric.ts";

/**
 * There is no method that copies files yet. A file travels as the data of a command that writes it, or as the output of one
 * that prints it: it arrives whole, or the command does not say that it succeeded.
 */

// Real processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 90_000 });

/** Bytes of a file: larger than what one frame of these links is meant to have. */
const SIZE = 300_000;
/** Deflated it is half as large, and still more than is let through before the link ends. */
const TEXT = Buffer.from(randomBytes(SIZE / 2).toString("hex"));
const NOISE = randomBytes(SIZE);

// In the clear, and deflated from the first bytes on.
it.each([
  ["lan", NOISE],
  ["gsm", TEXT],
])("a file copy that reported success on a truncated file: over a link like %s", async (link, bytes) => {
  const node = { config: { link }, proxied: true };
  const fleet = await startFleet({ nodes: { central: node, ship1: node } });
  const [{ central }, ship1, ledger] = [fleet, fleet.node("ship1"), ledgerOf(fleet)];
  const refused = (): Promise<number> => metric(ship1, "steward_refused_total", 'reason="seal-invalid"');
  const file = fleet.file("copy");
  const before = await refused();
  // Each message that leaves central has one bit turned over.
  central.proxy.disturb({ flip: 1, random: seededRandom(1) });
  const [accepted] = await central.api.submit([copyOf(ledger, bytes, file)]);
  const id = accepted?.id ?? "";
  await eventuallySeen("what is damaged is refused", async () => (await refused()) > before, RECONNECTS);
  expect(existsSync(file)).toBe(false);
  // The link ends in the middle of the frame.
  central.proxy.bandwidth(200_000);
  central.proxy.disturb({ random: seededRandom(1) });
  const passed = central.proxy.passed.toServer;
  await eventuallySeen("some of it has passed", () => central.proxy.passed.toServer > passed + 30_000, RECONNECTS);
  expect(existsSync(file)).toBe(false);
  expect((await central.api.message(id)).final).toBe(false);
  central.proxy.reset();
  await central.proxy.heal();
  await central.message(id, "succeeded", RECONNECTS);
  expect(sha256(await readFile(file))).toBe(sha256(bytes));
  expect(await ledger.ran()).toEqual([id]);
});

it("a file copy that reported success on a truncated file: onto what cannot take all of it", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: { config: { limits: { outputBytes: "64KB" } } } } });
  const [{ central }, ledger] = [fleet, ledgerOf(fleet)];
  for (const [file, first, fault] of [
    ["/dev/full", "", /No space left on device/],
    // Half of it is written before the limit is met.
    [fleet.file("half"), `trap '' XFSZ; ulimit -f ${Math.floor(SIZE / 2 / 512)};`, /File too large/],
  ] as const) {
    const [accepted] = await central.api.submit([copyOf(ledger, NOISE, file, first)]);
    const { code, reason, output } = await central.message(accepted?.id ?? "", "failed");
    expect({ code, reason }).toEqual({ code: 1, reason: "exit code 1" });
    expect(output.flatMap(({ stream, text }) => (stream === "stderr" ? [text] : [])).join("")).toMatch(fault);
  }
  // Where it was cut is seen, and not called a success.
  expect((await readFile(fleet.file("half"))).length).toBeLessThan(NOISE.length);
  expect(await ledger.ran()).toHaveLength(2);

  // The other way: what is printed is kept in part, and whoever reads it is told how much there was.
  await writeFile(fleet.file("whole"), TEXT);
  const print = ["cat", fleet.file("whole")];
  const [printed] = await central.api.submit([{ subject: "ship1.command.shellcommand.operatingsystem", data: print }]);
  const { outcome } = await central.message(printed?.id ?? "", "succeeded");
  expect(outcome?.totals?.stdout).toEqual({ bytes: TEXT.length, kept: 65_536 });
  expect((await fleet.steward("run", "ship1", "--", ...print)).stderr).toMatch(/… 2\d\d KB of stdout were not kept/);
});

/** A command that writes these bytes to a file, after its line in the ledger; `first`: shell text before that. */
function copyOf(ledger: Ledger, bytes: Buffer, file: string, first = ""): Draft {
  const { subject, data } = ledger.draft("ship1");
  const [, , record = ""] = data as readonly string[];
  const lines = bytes.toString("base64").replace(/(.{76})/g, "$1\n");
  return { subject, data: { script: `set -e; ${record}\n${first} base64 -d > ${file} <<'END'\n${lines}\nEND\n` } };
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
