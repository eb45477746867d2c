import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { describe, expect, it, vi } from "vitest";
import { eventuallySeen, PATIENCE } from "../harness/eventually.ts";
import { type Fleet, startFleet } from "../harness/fleet/fleet.ts";
import { CHROMIUM, freePort, openPage, shows } from "./chromium.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 180_000 });

async function linkOf(fleet: Fleet): Promise<string> {
  return await eventuallySeen("the page listens", async () => {
    const { code, stdout } = await fleet.steward("open");
    return code === 0 && stdout.trim();
  });
}

const withPage = async () => ({ config: { page: { listen: `127.0.0.1:${await freePort()}` } } });

describe.runIf(CHROMIUM !== undefined)("the page where things are hard", () => {
  it("is there within seconds at 1 Mbit/s and 300 ms, and stays live", async () => {
    const fleet = await startFleet({ nodes: { central: await withPage(), ship1: {}, ship2: {} } });
    const link = await linkOf(fleet);
    const { page, faults } = await openPage("about:blank");
    const session = await page.context().newCDPSession(page);
    await session.send("Network.enable");
    const line = { offline: false, latency: 300, downloadThroughput: 125_000, uploadThroughput: 125_000 };
    await session.send("Network.emulateNetworkConditions", line);
    const begun = performance.now();
    await page.goto(link);
    const row = page.getByRole("row").filter({ has: page.getByRole("link", { name: "ship2", exact: true }) });
    await row.locator(".cell.link").getByText("online").waitFor();
    await page.locator(".link-status").getByText("live").waitFor();
    const first = performance.now() - begun;
    await fleet.node("ship2").kill();
    await fleet.link("ship2", "offline");
    const told = performance.now();
    await row.locator(".cell.link").getByText("offline").waitFor();
    const later = performance.now() - told;
    console.log(`1 Mbit/s, 300 ms: there after ${Math.round(first)} ms, a change after ${Math.round(later)} ms`);
    expect(first).toBeLessThan(8_000 * PATIENCE);
    expect(later).toBeLessThan(2_000 * PATIENCE);
    await page.getByRole("link", { name: "Messages", exact: true }).click();
    await page.getByRole("heading", { name: "Messages" }).waitFor();
    await page.locator(".link-status").getByText("live").waitFor();
    expect(faults).toEqual([]);
  });

  it("searches a day of 1,000,000 lines of a log, and scrolls through what it found", async () => {
    const fleet = await startFleet({ nodes: { central: await withPage() } });
    const day = new Date().toISOString().slice(0, 10);
    const folder = join(fleet.central.data, "syslogforwarding", "ship1", "nginx");
    await mkdir(folder, { recursive: true });
    await writeDay(join(folder, `${day}.log`), day);
    const { page, faults } = await openPage(new URL("/logs", await linkOf(fleet)).href);
    await page.goto(await linkOf(fleet));
    const begun = performance.now();
    await page.getByRole("link", { name: "Logs" }).click();
    await shows(page, /request 999999\b/);
    const first = performance.now() - begun;
    const lines = page.locator(".output-lines");
    await lines.evaluate((list) => {
      list.scrollTop = 0;
    });
    await page
      .getByText(/request 99\d\d\d\d\b/)
      .first()
      .waitFor();
    expect(await page.locator(".output-lines .line").count()).toBeLessThan(150);
    const asked = performance.now();
    await page.getByLabel("Text to look for").fill("needle");
    const further = page.getByRole("button", { name: "look further back" });
    const needle = page.locator(".output-lines").getByText("needle");
    for (let i = 0; i < 4 && (await needle.count()) === 0; i++) {
      await expect
        .poll(async () => (await needle.count()) + (await further.count()), { timeout: 20_000 })
        .toBeGreaterThan(0);
      if ((await needle.count()) === 0) await further.click();
    }
    await needle.first().waitFor();
    const found = performance.now() - asked;
    console.log(`1,000,000 lines: there after ${Math.round(first)} ms, the oldest found after ${Math.round(found)} ms`);
    expect(first).toBeLessThan(5_000 * PATIENCE);
    expect(found).toBeLessThan(20_000 * PATIENCE);
    expect(faults).toEqual([]);
  });
});

/** A million lines, spread over the day until now; the word that is looked for stands in one of the first. */
async function writeDay(path: string, day: string): Promise<void> {
  const file = createWriteStream(path);
  const begin = Date.parse(`${day}T00:00:00Z`);
  const step = Math.max(0, Date.now() - begin - 1_000) / 1_000_000;
  for (let block = 0; block < 100; block++) {
    const lines = Array.from({ length: 10_000 }, (_, i) => {
      const no = block * 10_000 + i;
      const at = new Date(begin + no * step).toISOString();
      return `${at} vm nginx: 203.0.113.15 "GET /chart/north-sea.png HTTP/1.1" 200 request ${no}${no === 7 ? " needle" : ""}\n`;
    });
    if (!file.write(lines.join(""))) await new Promise<void>((resolve) => file.once("drain", resolve));
  }
  file.end();
  await finished(file);
}
