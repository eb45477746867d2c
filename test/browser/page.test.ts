import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { built } from "../harness/built.ts";
import { eventuallySeen, PATIENCE } from "../harness/eventually.ts";
import { startFleet } from "../harness/fleet/fleet.ts";
import { CHROMIUM, freePort, openPage, shows, showsNot } from "./chromium.ts";
import { startFront } from "./front.ts";

// Real processes and a real browser, on a machine that may be busy.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

let files = "";
beforeAll(async () => {
  files = join(dirname((await built()).main), "../dashboard");
});

describe("the page as it is delivered", () => {
  it("is at most 200 KB gzipped in all, with nothing inline and nothing from elsewhere", async () => {
    const names = (await readdir(files, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
    const contents = await Promise.all(names.map(({ parentPath, name }) => readFile(join(parentPath, name))));
    const total = contents.reduce((sum, content) => sum + gzipSync(content).length, 0);
    expect(total).toBeLessThan(200 * 1024);
    const html = await readFile(join(files, "index.html"), "utf8");
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/);
    const all = contents.map((content) => content.toString("utf8")).join("\n");
    const addresses = [...all.matchAll(/https?:\/\/[\w.-]+/g)].map(([address]) => address);
    // Names of the vocabulary of SVG and the like, and the address of messages of a library: none of them is fetched.
    expect(addresses.filter((address) => !/w3\.org|preactjs\.com/.test(address))).toEqual([]);
  });
});

/** The word for the freshness of the page, which is always in sight. */
async function says(page: Page, word: RegExp, within = 20_000): Promise<void> {
  await expect
    .poll(() => page.locator(".link-status strong").textContent(), { timeout: within * PATIENCE })
    .toMatch(word);
}

/** The links of all nodes as the page words them: `online`, or `was online`. */
async function links(page: Page, words: readonly string[]): Promise<void> {
  const shown = () => page.locator(".of-nodes .all .cell.link .state").allInnerTexts();
  const bare = async () => (await shown()).map((text) => text.replace(/^\W+/, ""));
  await expect.poll(bare, { timeout: 20_000 * PATIENCE }).toEqual(words);
}

describe.runIf(CHROMIUM !== undefined)("the page over real daemons", () => {
  it("shows what the API says: a command runs and prints, a node dies and comes back", async () => {
    const fleet = await startFleet({ nodes: { central: {}, ship1: {}, ship2: {} } });
    const front = await startFront(fleet.central.socket, files);
    const { page, faults } = await openPage(front.url);
    const row = (name: string) => page.getByRole("row").filter({ has: page.getByRole("link", { name, exact: true }) });
    await row("ship2").locator(".cell.link").getByText("online").waitFor();

    await fleet.node("ship2").kill();
    await fleet.link("ship2", "offline");
    await row("ship2").locator(".cell.link").getByText("offline").waitFor();

    await page.goto(`${front.url}/run?to=ship1`);
    await page
      .getByLabel("Program and arguments")
      .fill("sh -c 'printf \"\\\\033[31mred\\\\033[0m <i>x</i>\\\\n\"; echo two; sleep 600'");
    await shows(page, "1 node in reach");
    await page.getByRole("button", { name: "Send to 1 node" }).click();
    await shows(page, "<i>x</i>");
    expect(await page.locator(".fg-1").textContent()).toBe("red");
    await shows(page, "running");
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("button", { name: "yes, cancel it" }).click();
    await shows(page, "cancelled");

    await page.goto(`${front.url}/run?to=ship2`);
    await page.getByLabel("Program and arguments").fill("uname -s");
    await shows(page, /1 node out of reach: it waits on disk/);
    await page.getByRole("button", { name: "Send to 1 node" }).click();
    await shows(page, "ship2 is offline");
    await fleet.node("ship2").start();
    await shows(page, "Linux");
    await shows(page, "succeeded");

    await page.goto(`${front.url}/nodes/ship2`);
    await shows(page, "State machine of ship2");
    await page
      .getByRole("img", { name: /^link: online/ })
      .last()
      .waitFor();
    expect(faults).toEqual([]);
  });

  it("steps through the last transitions of a subscriber on another node, and asks for them anew after a command", async () => {
    const fleet = await startFleet({ nodes: { central: {}, ship1: {} } });
    const front = await startFront(fleet.central.socket, files);
    const subject = "ship1.command.shellcommand.operatingsystem";
    const { page, faults } = await openPage(
      `${front.url}/nodes/ship1?actor=${encodeURIComponent(`subscriber ${subject}`)}`,
    );
    const panel = page.getByRole("region", { name: "State machine" });
    await shows(page, "ship1 remembers no transition of it since its daemon was started");
    await panel.getByRole("img", { name: "subscriber: idle" }).waitFor();
    expect((await fleet.steward("run", "ship1", "--", "true")).code).toBe(0);
    // Nobody presses anything: the page asks when the command moves, and once more when it has settled.
    await shows(page, "present state, after 2 transitions");
    await panel.getByRole("img", { name: "subscriber: idle, after drained from working" }).waitFor();
    await panel.getByRole("button", { name: "back" }).click();
    await panel.getByRole("img", { name: "subscriber: working, after work from idle" }).waitFor();
    await panel.getByRole("button", { name: "back" }).click();
    await panel.getByRole("img", { name: "subscriber: idle", exact: true }).waitFor();
    const { stdout } = await fleet.steward("ps", "ship1", subject);
    expect(stdout.match(/ (idle +working +work|working +idle +drained)/g)).toHaveLength(2);
    expect(faults).toEqual([]);
  });

  it("shows a job in waves, whose counts are those of the API, and aborts it", async () => {
    const fleet = await startFleet({ nodes: { central: {}, ship1: {}, ship2: {} } });
    const front = await startFront(fleet.central.socket, files);
    const { page, faults } = await openPage(`${front.url}/run?to=all`);
    await page.getByLabel("Program and arguments").fill("sh -c 'echo begun; sleep 600'");
    await page.getByText("In waves, as a job").click();
    await page.getByLabel("Waves end at").fill("1,100%");
    await page.getByRole("button", { name: "Send to 2 nodes" }).click();
    await shows(page, /wave 1: 1 node/);
    await page.getByRole("button", { name: "1 running" }).waitFor();
    await page.getByRole("button", { name: "1 held" }).waitFor();
    const [job] = await fleet.central.api.jobs();
    expect(job?.counts).toMatchObject({ running: 1, held: 1 });

    const abort = page.getByRole("button", { name: /^abort/ });
    const place = await abort.boundingBox();
    await abort.click();
    await shows(page, /nothing more is released; 1 that is held is cancelled; 1 that runs goes on\. Press again/);
    expect(await abort.boundingBox()).toEqual(place);
    await abort.click();
    await page.locator(".page-head .state", { hasText: "aborted" }).waitFor();
    await page.getByRole("button", { name: "1 cancelled" }).waitFor();
    expect((await fleet.central.api.job(job?.id ?? "")).state).toBe("aborted");
    // The one that runs goes on until the job, which has ended, is cancelled too.
    const [running] = await fleet.central.api.messages({ state: "running" });
    const cancel = page.getByRole("button", { name: /^cancel/ });
    await cancel.click();
    await shows(page, /1 that runs is asked to end\. Press again/);
    await cancel.click();
    await shows(page, "1 answer: 1 asked");
    await fleet.central.message(running?.id ?? "", "cancelled");
    await page.getByRole("button", { name: "2 cancelled" }).waitFor();
    expect((await fleet.central.api.job(job?.id ?? "")).state).toBe("aborted");
    expect(faults).toEqual([]);
  });

  it("logs in with a link, says so when the daemon is killed, and comes back without a reload when it is started", async () => {
    const fleet = await startFleet({
      nodes: { central: { config: { page: { listen: `127.0.0.1:${await freePort()}` } } }, ship1: {} },
    });
    const link = await eventuallySeen("the page listens", async () => {
      const { code, stdout } = await fleet.steward("open");
      return code === 0 && stdout.trim();
    });
    const { page, faults } = await openPage(link);
    await says(page, /^live$/);
    await links(page, ["online", "online"]);

    await fleet.central.kill();
    await says(page, /reconnecting/, 3_000);
    await links(page, ["was online", "was online"]);
    await says(page, /stale since \d\d:\d\d:\d\d/);
    // The longest word of the head has room on a phone too.
    await page.setViewportSize({ width: 390, height: 780 });
    expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBeLessThanOrEqual(0);
    await page.setViewportSize({ width: 1360, height: 820 });
    await fleet.central.start();
    await says(page, /^live$/);
    await links(page, ["online", "online"]);

    // The page may act too: its requests prove that they are of this page.
    await page.goto(new URL("/run?to=ship1", link).href);
    await page.getByLabel("Program and arguments").fill("echo it works");
    await page.getByRole("button", { name: "Send to 1 node" }).click();
    await shows(page, "succeeded");
    await page.goto(new URL("/?show=online", link).href);
    await links(page, ["online", "online"]);
    expect(faults).toEqual([]);
  });

  it("never shows as fresh what is not while the network is cut, and a list that cannot be read never looks empty", async () => {
    const fleet = await startFleet({ nodes: { central: {}, ship1: {} } });
    const front = await startFront(fleet.central.socket, files);
    const { page, faults } = await openPage(front.url);
    await says(page, /^live$/);
    await links(page, ["online", "online"]);
    front.cut();
    await says(page, /reconnecting|stale/);
    await links(page, ["was online", "was online"]);
    front.heal();
    await says(page, /^live$/);
    await links(page, ["online", "online"]);

    front.fail("/v1/messages", 500);
    await page.getByRole("link", { name: "Messages" }).click();
    await shows(page, /the messages could not be read/);
    await showsNot(page, "There is no message yet.");
    front.fail("/v1/messages", 0);
    expect(faults).toEqual([]);
  });
});
