import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { built } from "../harness/built.ts";
import { startFleet } from "../harness/fleet/fleet.ts";
import { CHROMIUM, openPage, shows, showsNot } from "./chromium.ts";
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

describe.runIf(CHROMIUM !== undefined)("the page over real daemons", () => {
  it("shows what the API says: a command runs and prints, a node dies and comes back", async () => {
    const fleet = await startFleet({ nodes: { central: {}, ship1: {}, ship2: {} } });
    const front = await startFront(fleet.central.socket, files);
    const { page, faults } = await openPage(front.url);
    const row = (name: string) => page.getByRole("row").filter({ has: page.getByRole("link", { name, exact: true }) });
    await row("ship2").getByText("online").waitFor();

    await fleet.node("ship2").kill();
    await fleet.link("ship2", "offline");
    await row("ship2").getByText("offline").waitFor({ timeout: 1_500 });

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

  it("never shows as fresh what is not: a daemon that is killed, a network that is cut, and back without a reload", async () => {
    const fleet = await startFleet({ nodes: { central: {}, ship1: {} } });
    const front = await startFront(fleet.central.socket, files);
    const { page, faults } = await openPage(front.url);
    const status = page.locator(".link-status strong");
    const says = async (word: RegExp, within = 20_000): Promise<void> => {
      await expect.poll(() => status.textContent(), { timeout: within }).toMatch(word);
    };
    /** The links of central and ship1 as the page words them: `online`, or `was online`. */
    const links = async (word: string): Promise<void> => {
      const words = () => page.locator(".of-nodes .all .cell.link .state").allInnerTexts();
      const bare = async () => (await words()).map((text) => text.replace(/^\W+/, ""));
      await expect.poll(bare, { timeout: 20_000 }).toEqual([word, word]);
    };
    await says(/^live$/);
    await links("online");

    await fleet.central.kill();
    await says(/reconnecting/, 3_000);
    await links("was online");
    await says(/stale since \d\d:\d\d:\d\d/);
    await links("was online");
    await fleet.central.start();
    await says(/^live$/);
    await links("online");

    front.cut();
    await says(/reconnecting|stale/);
    await links("was online");
    front.heal();
    await says(/^live$/);
    await links("online");

    // A list that cannot be read does not look empty.
    front.fail("/v1/messages", 500);
    await page.getByRole("link", { name: "Messages" }).click();
    await shows(page, /the messages could not be read/);
    await showsNot(page, "There is no message yet.");
    front.fail("/v1/messages", 0);
    expect(faults).toEqual([]);
  });
});
