import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Page } from "playwright-core";
import { describe, expect, it, vi } from "vitest";
import { openClient } from "../../src/api/client.ts";
import { systemClock } from "../../src/platform/system-clock.ts";
import { eventuallySeen } from "../harness/eventually.ts";
import { startDemo } from "../harness/fleet/demo.ts";
import { CHROMIUM, openPage } from "./chromium.ts";

// Real processes and a real browser, on a machine that may be busy.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 180_000 });

/** Looks of three frames each, 20 a second: a second of the page, longer only where machine and browser are slower. */
const LOOKS = 20;

/** The page has painted three more frames: its own clock, which stands still when the machine does. */
const threeFrames = (page: Page): Promise<unknown> =>
  page.evaluate(`new Promise((painted) => {
    const next = (left) => (left === 0 ? painted() : requestAnimationFrame(() => next(left - 1)));
    next(3);
  })`);

/** The API says it first; from then on the page has a second's looks to say the same. */
async function follows(
  page: Page,
  what: string,
  told: () => Promise<string>,
  shown: () => Promise<string>,
  wanted: string,
) {
  await eventuallySeen(`the API says of ${what} ${wanted}`, async () => (await told()) === wanted, 30_000);
  let says = await shown();
  for (let looks = 0; looks < LOOKS && !says.includes(wanted); looks++) {
    await Promise.all([threeFrames(page), told()]);
    says = await shown();
  }
  expect(says, what).toContain(wanted);
}

const textOf = async (page: Page, selector: string): Promise<string> =>
  (await page.locator(selector).allInnerTexts()).join("\n");

describe.runIf(CHROMIUM !== undefined)("the page beside the API", () => {
  it("says the same within a second in the demo's fleet: a node dies and comes back, a command runs and prints, a log flows, a job is aborted", async () => {
    const demo = await startDemo(["--keep"]);
    await demo.program.saw(/good once/, { within: 60_000 });
    const [, link = ""] = /(http:\S+) .*good once/.exec(demo.program.stdout) ?? [];
    const [, config = ""] = /STEWARD_CONFIG=(\S+)/.exec(demo.program.stdout) ?? [];
    const configOf = (node: string): string => join(dirname(config), `${node}.yaml`);
    const api = openClient({ socket: join(dirname(config), "central.sock"), clock: systemClock });
    const { page, faults } = await openPage(link);
    const row = page.getByRole("row").filter({ has: page.getByRole("link", { name: "ship2", exact: true }) });
    const linkShown = async (): Promise<string> => (await row.locator(".cell.link").allInnerTexts()).join();
    const linkTold = async (): Promise<string> => (await api.node("ship2")).link;
    await eventuallySeen("the page is there", async () => (await linkShown()) !== "");
    await follows(page, "ship2", linkTold, linkShown, "online");
    process.kill(demo.daemonOf("ship2") ?? 0, "SIGKILL");
    await follows(page, "ship2", linkTold, linkShown, "offline");
    demo.begin("up", "--config", configOf("ship2"));
    await follows(page, "ship2", linkTold, linkShown, "online");

    const at = (path: string): string => new URL(path, link).href;
    const [sent] = await api.submit([
      {
        subject: "ship1.command.shellcommand.operatingsystem",
        data: ["sh", "-c", "echo one; sleep 2; echo two; sleep 2; exit 3"],
      },
    ]);
    const id = sent?.id ?? "";
    await page.goto(at(`/messages/${id}`));
    const stateTold = async (): Promise<string> => (await api.message(id)).state;
    const stateShown = (): Promise<string> => textOf(page, ".page-head .state");
    const outputTold = async (): Promise<string> => (await api.message(id)).output.map(({ text }) => text).join("");
    const outputShown = async (): Promise<string> =>
      `${(await page.locator(".line .text").allInnerTexts()).join("\n")}\n`;
    await eventuallySeen("the page of the command is there", async () => (await stateShown()) !== "");
    await follows(page, "the command", stateTold, stateShown, "running");
    await follows(page, "its output", outputTold, outputShown, "one\n");
    await follows(page, "its output", outputTold, outputShown, "one\ntwo\n");
    await follows(page, "the command", stateTold, stateShown, "failed");

    await page.goto(at("/logs?node=ship1"));
    await page
      .getByText(/fits these filters|line/)
      .first()
      .waitFor();
    const [, port] = /udp:\/\/127\.0\.0\.1:(\d+)/.exec(await readFile(configOf("ship1"), "utf8")) ?? [];
    const socket = createSocket("udp4");
    socket.connect(Number(port));
    await once(socket, "connect");
    const logTold = async (): Promise<string> =>
      (await api.logs({ node: "ship1", domain: "nginx", lines: 1 }))
        .map(({ line }) => line.split(" ").slice(-4).join(" "))
        .join();
    for (const text of ["the pump is on", "the pump is off"]) {
      socket.send(`<13>nginx: ${text}`);
      await follows(page, "the log", logTold, () => textOf(page, ".logs .line"), text);
    }
    socket.close();

    const job = await api.createJob({
      subject: "command.shellcommand.operatingsystem",
      to: "ship1,ship2",
      data: ["sleep", "600"],
      waves: "1,100%",
    });
    await page.goto(at(`/jobs/${job.id}`));
    const jobTold = async (): Promise<string> => (await api.job(job.id)).state;
    const countsTold = async (): Promise<string> => {
      const { running, held, cancelled } = (await api.job(job.id)).counts;
      return `${running} ${held} ${cancelled}`;
    };
    const countsShown = async (): Promise<string> => {
      const texts = await page.locator(".counters .counter").allInnerTexts();
      const count = (word: string): number => Number(/\d+/.exec(texts.find((text) => text.includes(word)) ?? "0")?.[0]);
      return `${count("running")} ${count("held")} ${count("cancelled")}`;
    };
    await eventuallySeen("the page of the job is there", async () => (await textOf(page, ".page-head .state")) !== "");
    await follows(page, "the job", jobTold, () => textOf(page, ".page-head .state"), "running");
    await follows(page, "its counts", countsTold, countsShown, "1 1 0");
    await api.steerJob(job.id, "abort", {});
    await follows(page, "the job", jobTold, () => textOf(page, ".page-head .state"), "aborted");
    await follows(page, "its counts", countsTold, countsShown, "1 0 1");
    const [running] = await api.messages({ state: "running" });
    await api.cancel(running?.id ?? "");
    await follows(page, "its counts", countsTold, countsShown, "0 0 2");
    expect(faults).toEqual([]);
  });
});
