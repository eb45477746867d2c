import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { machineCharts } from "../../src/actors/chart.ts";
import type { NodeDetail } from "../../src/runtime/operate/table/nodes.ts";
import { apiRoom } from "../api/api-room.ts";
import { built } from "../harness/built.ts";
import type { FakeOperations } from "../harness/fake-operations.ts";
import { atTestEnd } from "../harness/temp.ts";
import { CHROMIUM, openPage, shows } from "./chromium.ts";
import { startFront } from "./front.ts";

// A real browser, on a machine that may be busy.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

let files = "";
beforeAll(async () => {
  files = join(dirname((await built()).main), "../dashboard");
});

/** The real API over a daemon in memory: what it holds is as hostile, or as much, as a test likes. */
async function daemonRoom() {
  const room = await apiRoom();
  const front = await startFront(room.socket, files);
  atTestEnd(
    () => room.api.stop(),
    () => undefined,
  );
  return { ...room, front };
}

/** Pages with lists of what others wrote. */
const LISTS = [
  "/",
  "/messages",
  "/logs",
  "/inspection",
  "/inspection?tab=tree",
  "/inspection?tab=dead",
  "/inspection?tab=alerts",
  "/inspection?tab=audit",
  "/attention",
  "/attention?tab=approvals",
  "/attention?tab=holds",
  "/attention?tab=mutes",
  "/attention?tab=errands",
  "/people",
] as const;

/** Something in each list, with `text` wherever others write. */
function arrange(operations: FakeOperations, text: string): void {
  const at = operations.clock.now() - 60_000;
  const id = "01K9ZD3Q5V01K9ZD3Q5V01K9ZD";
  operations.machineList = machineCharts().map(({ name, regions }) => ({
    name,
    regions: regions.map(({ shared, arrows, ...region }) => ({ ...region, arrows: [...arrows, ...shared] })),
  }));
  operations.alertList.push({
    no: 7,
    node: "ship2",
    code: "flapping",
    text,
    firstAt: at,
    lastAt: at,
    count: 3,
    state: "raised",
  });
  operations.openAlertList = [{ rule: "away", node: "ship2", text, since: at, toldAt: at, to: [text] }];
  operations.errandList = [{ id, to: "pager", about: "alert", text, madeAt: at, attempts: 3, dueAt: at, fault: text }];
  operations.auditList = [
    { no: 1, at, what: "operation", by: text, allowed: false, why: text, target: text, prev: "" },
  ];
  operations.muteList = [{ node: "ship3", since: at, endsAt: null, by: "ann", note: text }];
  operations.hold({ to: "ship3", note: text });
  operations.approvalList = [
    {
      id,
      operator: text,
      subject: "command.shellcommand.operatingsystem",
      nodes: ["ship1"],
      askedAt: at,
      endsAt: null,
      summary: text,
    },
  ];
  operations.operatorList = [
    {
      name: text,
      key: "U…",
      role: "operator",
      standing: "accepted",
      since: at,
      by: "central",
      formerKeys: 0,
      on: text,
    },
  ];
  operations.sessionList = [
    { id, kind: "page", by: text, role: "admin", createdAt: at, expiresAt: at, lastUsedAt: at },
  ];
  operations.transitionList = [
    { at, actor: text, role: "publisher", event: "GO", from: "idle", to: "working", cause: text },
  ];
  const child = {
    id: "core",
    state: "running",
    restarts: 2,
    restart: "permanent",
    since: at,
    lastError: text,
  } as const;
  const rule = { strategy: "oneForOne", onGiveUp: "escalate", intensity: 3, period: 30_000, left: 0 } as const;
  operations.supervisionNow = {
    node: "central",
    asOf: at,
    supervisors: [{ id: "central", parent: null, ...rule, children: [child] }],
  };
  const [dead] = operations.deadList;
  if (dead !== undefined) operations.deadList[0] = { ...dead, summary: text, reason: text };
  const open = operations.messageList[1];
  if (open !== undefined) operations.messageList[1] = { ...open, summary: text };
}

const MARKUP = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`;

describe.runIf(CHROMIUM !== undefined)("the page with content of others", () => {
  it("shows markup, escapes and a line of a megabyte as text and nothing else", async () => {
    const { operations, front } = await daemonRoom();
    const [first] = operations.nodeList;
    const [message] = operations.messageList;
    if (first === undefined || message === undefined) throw new Error("the fake daemon is empty");
    operations.nodeList.push({
      ...first,
      name: "ship9",
      role: "edge",
      cause: MARKUP,
      version: MARKUP,
      labels: { [MARKUP]: MARKUP },
    } as NodeDetail);
    const output = `${MARKUP}\n\u001b]0;owned\u0007\u001b[2J\u202eevil\n${"x".repeat(1_000_000)}\nlast line\n`;
    operations.messageList[0] = {
      ...message,
      summary: MARKUP,
      reason: MARKUP,
      output: [{ stream: "stdout", offset: 0, text: output }],
    };
    operations.logList.push(
      { node: "ship1", domain: "nginx", line: `${MARKUP}\u001b[31mred` },
      { node: "ship1", domain: "nginx", line: "y".repeat(1_000_000) },
    );
    arrange(operations, MARKUP);
    const { page, faults } = await openPage(front.url);
    for (const path of [...LISTS, "/nodes/ship9", "/nodes/ship2", `/messages/${message.id}`]) {
      await page.goto(front.url + path);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await shows(page, /onerror=/);
      expect(await page.title()).not.toMatch(/^owned/);
      expect(await page.locator("img, script:not([src])").count()).toBe(0);
    }
    await page.goto(`${front.url}/messages/${message.id}`);
    await shows(page, "last line");
    await shows(page, /KB more in this line/);
    expect(await page.locator(".control").first().textContent()).toBe("␛");
    expect(faults).toEqual([]);
  });

  it("has no fault that axe finds, in both colours and at a phone's width", async () => {
    const { operations, front } = await daemonRoom();
    operations.alertList.push({
      no: 1,
      node: "ship1",
      code: "flapping",
      text: "it flaps",
      firstAt: 1,
      lastAt: 2,
      count: 3,
      state: "raised",
    });
    arrange(operations, "dry dock");
    const [message] = operations.messageList;
    const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
    const paths = [
      ...LISTS,
      "/?filter=nonsense%3D",
      "/nodes/ship1",
      "/nodes/ship2",
      "/nodes/central",
      `/messages/${message?.id}`,
      "/jobs",
      "/run?to=ship1",
      "/inspection?tab=machines",
      "/nowhere",
    ];
    for (const options of [
      { colorScheme: "light" },
      { colorScheme: "dark" },
      { viewport: { width: 390, height: 780 } },
    ] as const) {
      const { page, browser, faults } = await openPage(front.url, { ...options, bypassCSP: true });
      for (const path of paths) {
        await page.goto(front.url + path);
        await page.getByRole("heading", { level: 1 }).waitFor();
        await page.waitForLoadState("networkidle", { timeout: 1_500 }).catch(() => undefined);
        // A table that is wider than the window scrolls within itself, and the page around it stays.
        const tooWide = await page.evaluate(`Math.max(
          document.documentElement.scrollWidth - innerWidth,
          ...[...document.querySelectorAll("main, .scrolling")].map((part) => part.scrollWidth - part.clientWidth))`);
        expect(tooWide, `${path} is wider than its window`).toBeLessThanOrEqual(0);
        const cut = await page.evaluate(`[...document.querySelectorAll(".scroll:has(> :is(.jobs, .audit, .processes))")]
          .filter((part) => part.scrollWidth > part.clientWidth).map((part) => part.getAttribute("aria-label"))`);
        expect(cut, `what of ${path} has to be scrolled to sideways`).toEqual([]);
        expect(await violations(page, axe), `${path} with ${JSON.stringify(options)}`).toEqual([]);
      }
      expect(faults).toEqual([]);
      await browser.close();
    }
    // Some seventy pages are looked at, each until it is quiet.
  }, 600_000);

  it("has its keys: a filter, the palette, the pages", async () => {
    const { front } = await daemonRoom();
    const { page } = await openPage(front.url);
    await page.getByRole("link", { name: "ship1", exact: true }).waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("ship1");
    await expect.poll(() => page.url()).toContain("filter=ship1");
    await page.keyboard.press("Escape");
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "ship1", exact: true }).waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("m");
    await page.getByRole("heading", { name: "Messages" }).waitFor();
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keys" }).waitFor();
    expect(await page.evaluate("document.activeElement.textContent")).toBe("Keys");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+k");
    await page.keyboard.type("ship2");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "ship2", exact: true }).waitFor();
  });

  it("takes each key where it belongs, also before the browser has drawn again", async () => {
    const { front } = await daemonRoom();
    const { page } = await openPage(front.url);
    await page.getByRole("link", { name: "ship1", exact: true }).waitFor();
    await page.evaluate("requestAnimationFrame = () => 0");
    for (const name of ["ship1", "ship2", "ship3"]) {
      await page.keyboard.press("?");
      await page.keyboard.press("Escape");
      await page.keyboard.press("Control+k");
      await page.keyboard.type(name);
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name, exact: true }).waitFor();
    }
  });

  it("scrolls through 10,000 nodes with 100 changes a second, and no frame takes over 100 ms", async () => {
    const { operations, front } = await daemonRoom();
    const [, ship] = operations.nodeList;
    if (ship === undefined) throw new Error("the fake daemon has no ship");
    for (let i = 0; i < 10_000; i++)
      operations.nodeList.push({ ...ship, name: `sim${String(i).padStart(5, "0")}`, changes: [], lanes: [] });
    const { page, faults } = await openPage(front.url);
    await shows(page, "10,004", 60_000);
    let changes = 0;
    const beat = setInterval(() => {
      for (let i = 0; i < 10; i++) {
        const name = `sim${String((changes++ * 7) % 10_000).padStart(5, "0")}`;
        const to = changes % 2 === 0 ? "online" : "offline";
        operations.emit({
          type: "node",
          at: changes,
          name,
          region: "link",
          from: "link.online",
          to: `link.${to}`,
          cause: "a test",
        });
      }
    }, 100);
    try {
      const tracing = await page.context().newCDPSession(page);
      const slow: number[] = [];
      tracing.on("Tracing.dataCollected", ({ value }) => {
        // The time of the thread and not of the clock: other programs of a busy machine are no work of the page.
        for (const event of value as unknown as { name: string; dur?: number; tdur?: number; ph: string }[])
          if (event.name === "RunTask" && event.ph === "X") slow.push((event.tdur ?? event.dur ?? 0) / 1_000);
      });
      await tracing.send("Tracing.start", {
        categories: "devtools.timeline,disabled-by-default-devtools.timeline",
        transferMode: "ReportEvents",
      });
      await page.evaluate(`(async () => {
        const rows = document.querySelector(".of-nodes .body");
        for (let step = 0; step < 240; step++) {
          rows.scrollTop += 900;
          await new Promise((resolve) => requestAnimationFrame(resolve));
        }
      })()`);
      const complete = new Promise((resolve) => tracing.once("Tracing.tracingComplete", resolve));
      await tracing.send("Tracing.end");
      await complete;
      const longest = Math.max(...slow);
      console.log(`${slow.length} tasks while scrolling, the longest ${longest.toFixed(1)} ms`);
      expect(longest).toBeLessThan(100);
      expect(changes).toBeGreaterThan(100);
      expect(await page.locator(".of-nodes .all .row").count()).toBeLessThan(80);
    } finally {
      clearInterval(beat);
    }
    expect(faults).toEqual([]);
  });
});

async function violations(page: Page, axe: string): Promise<string[]> {
  await page.evaluate(axe);
  const found = (await page.evaluate("axe.run(document, { resultTypes: ['violations'] })")) as {
    violations: { id: string; nodes: { html: string; failureSummary?: string }[] }[];
  };
  return found.violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary?.slice(0, 300)}`),
  );
}
