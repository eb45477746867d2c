import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import { promisify } from "node:util";
import { Cpu } from "./cpu.mjs";
import { configFor, MAIN, startFleet, stopEdge } from "./parts.mjs";

const PLACES = [process.env.STEWARD_CHROMIUM ?? "", "/usr/bin/chromium", "/usr/bin/chromium-browser"];
const NODES = 10_000;
const PAGES = 20;
/** Each command makes its node busy and idle again: two changes. */
const COMMANDS_A_SECOND = 50;
/** How long the pages are watched, ms. */
const WATCHED = 60_000;
const MINUTES = 10;
const MB = 1024 * 1024;

/**
 * The page in Chromium over a central with 10,000 nodes: what open pages cost central, without and with 100 changes a second, and
 * the memory of one page over ten minutes of them. `quick`: three minutes.
 */
export async function pageRow(world, { fleetSizes }) {
  const executablePath = PLACES.find((path) => path !== "" && existsSync(path));
  if (executablePath === undefined)
    throw new Error("no Chromium was found: apt-get install chromium, or STEWARD_CHROMIUM");
  const { chromium } = await import("playwright-core");
  const central = await startOwnCentral(world);
  const fleet = await startFleet(world, NODES, "sim");
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
  world.closing(() => browser.close());
  const cpu = new Cpu({ centralDaemon: central.pid });
  const share = async (act) => {
    cpu.begin();
    await act();
    // Microseconds of CPU in ten microseconds of time are tenths: in per cent of a core.
    return Number(cpu.per(WATCHED * 10).centralDaemon.toFixed(2));
  };
  const idle = () => new Promise((resolve) => setTimeout(resolve, WATCHED));
  const without = await share(idle);
  const first = await openFleet(browser, await central.link());
  const pages = [first];
  while (pages.length < PAGES) pages.push(await openFleet(browser, await central.link()));
  const calm = await share(idle);
  const busyWith = await share(() => changes(central, WATCHED));
  for (const page of pages.slice(1)) await page.context().close();
  const busyWithOne = await share(() => changes(central, WATCHED));
  const minutes = fleetSizes === undefined ? MINUTES : 3;
  const heap = await heapOf(first, () => changes(central, 60_000), minutes);
  await stopEdge(fleet);
  return [
    { bench: "page-open", nodes: NODES, pages: PAGES, centralPercent: { without, calm, busyWithOne, busyWith } },
    { bench: "page-memory", nodes: NODES, changesASecond: 2 * COMMANDS_A_SECOND, megabytesByMinute: heap },
  ];
}

/** Central as a process of its own, with a page. */
async function startOwnCentral(world) {
  const listen = `127.0.0.1:${await freePort()}`;
  const socket = `${world.directory}/central.sock`;
  const file = await configFor(world, "central", [], { page: { listen }, socket, limits: { targets: NODES } });
  const child = spawn(process.execPath, [MAIN, "up", "--config", file], { stdio: ["ignore", "ignore", "ignore"] });
  const ended = once(child, "exit");
  world.closing(() => stopEdge({ child, ended }));
  const link = async () =>
    (await promisify(execFile)(process.execPath, [MAIN, "open", "--config", file])).stdout.trim();
  for (let tries = 0; ; tries++) {
    try {
      await link();
      return { pid: child.pid, socket, link };
    } catch (error) {
      if (tries > 60) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

/** A page of its own browser session: a browser opens six connections to a server, over all pages of one session. */
async function openFleet(browser, link) {
  const context = await browser.newContext({ viewport: { width: 1360, height: 820 } });
  const page = await context.newPage();
  await page.goto(link);
  await page
    .getByText((NODES + 1).toLocaleString("en"))
    .first()
    .waitFor({ timeout: 120_000 });
  return page;
}

/** Sends commands to nodes, one after another around the fleet, for so long. */
async function changes(central, ms) {
  const until = performance.now() + ms;
  for (let sent = 0; performance.now() < until; ) {
    const begun = performance.now();
    const orders = Array.from({ length: COMMANDS_A_SECOND / 5 }, () => ({
      subject: `sim${1 + ((sent++ * 7) % NODES)}.command.shellcommand.operatingsystem`,
      data: ["true"],
    }));
    await submit(central.socket, orders);
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, 200 - (performance.now() - begun))));
  }
}

function submit(socketPath, orders) {
  return new Promise((resolve, reject) => {
    const headers = { host: "steward", "content-type": "application/json" };
    const sent = request({ socketPath, method: "POST", path: "/v1/messages", headers }, (response) => {
      response.resume();
      response.on("end", () =>
        response.statusCode === 201 ? resolve() : reject(new Error(`the daemon answered ${response.statusCode}`)),
      );
    });
    sent.on("error", reject);
    sent.end(JSON.stringify(orders));
  });
}

/** Megabytes of the page's heap after a collection, at first and after each minute. */
async function heapOf(page, minute, minutes) {
  const session = await page.context().newCDPSession(page);
  const found = [];
  for (let passed = 0; passed <= minutes; passed++) {
    if (passed > 0) await minute();
    await session.send("HeapProfiler.collectGarbage");
    const { usedSize } = await session.send("Runtime.getHeapUsage");
    found.push(Number((usedSize / MB).toFixed(1)));
  }
  return found;
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
