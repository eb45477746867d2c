/**
 * Makes the pictures of docs/page-tour.md: starts the demo's fleet, opens its page in Chromium, and writes a small WebP for
 * each page into docs/page/.
 *
 *   node scripts/screenshots.mjs      needs Chromium: on this machine, or as STEWARD_CHROMIUM
 */
import { execFile, spawn } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { chromium } from "playwright-core";
import { ROOT, setupOrExit } from "./setup.mjs";

const PLACES = [process.env.STEWARD_CHROMIUM ?? "", "/usr/bin/chromium", "/usr/bin/chromium-browser"];
const OUT = join(ROOT, "docs/page");
const MAIN = join(ROOT, "dist/cli/main.js");
const WIDE = { width: 1280, height: 760 };
const PHONE = { width: 390, height: 780 };
/** The demo plays its story first. */
const DEMO_WITHIN = 120_000;

const executablePath = PLACES.find((path) => path !== "" && existsSync(path));
if (executablePath === undefined) {
  process.stderr.write("no Chromium was found: apt-get install chromium, or name one in STEWARD_CHROMIUM\n");
  process.exit(1);
}
await setupOrExit();
mkdirSync(OUT, { recursive: true });
const demo = spawn(process.execPath, [MAIN, "demo", "--keep"], { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
const ended = new Promise((resolve) => demo.once("close", resolve));
try {
  const config = await configOf(demo);
  const steward = async (...args) =>
    (await promisify(execFile)(process.execPath, [MAIN, ...args], { env: { ...process.env, STEWARD_CONFIG: config } }))
      .stdout;
  await steward("label", "ship1", "class=tanker", "site=rotterdam");
  await steward("label", "ship2", "class=tanker", "site=bergen");
  await steward("label", "ship3", "class=tug", "site=rotterdam");
  const failing =
    'printf "\\033[32m✓\\033[0m disk\\n\\033[33m!\\033[0m backup is 3 days old\\n"; echo "no answer from plc" >&2; exit 3';
  const script = await steward("run", "ship1", "--no-wait", "--json", "--script", "--", failing);
  const id = /"id":"([0-9A-Z]{26})"/.exec(script)?.[1] ?? "";
  await steward("run", "ship3", "--no-wait", "--", "sleep", "600");
  await steward("stop", "ship2", "command.shellcommand.operatingsystem").catch(() => undefined);
  await steward("run", "ship2", "--no-wait", "--deliver-by", "2h", "--", "uname", "-s");
  const link = (await steward("open")).trim();
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  const cookies = await logIn(browser, link);
  const at = (path) => new URL(path, link).href;
  const shoot = async (name, path, { viewport = WIDE, dark = false, prepare } = {}) => {
    const context = await browser.newContext({ viewport, colorScheme: dark ? "dark" : "light", storageState: cookies });
    await context.route("**/v1/nodes/*/facts", (route) => route.fulfill({ json: factsOf(route.request().url()) }));
    const page = await context.newPage();
    await page.goto(at(path));
    await page.locator(".link-status.tone-good").waitFor();
    await prepare?.(page);
    await page.waitForTimeout(1_500);
    writeFileSync(join(OUT, `${name}.webp`), await webpOf(page));
    await context.close();
    process.stdout.write(`docs/page/${name}.webp\n`);
  };
  await shoot("fleet", "/");
  await shoot("fleet-dark", "/?filter=class%3Dtanker", { dark: true });
  await shoot("fleet-phone", "/", { viewport: PHONE });
  await shoot("node", "/nodes/ship2", { viewport: { width: 1280, height: 1150 } });
  await shoot("messages", "/messages");
  await shoot("message", `/messages/${id}`);
  await shoot("run", "/run?to=class%3Dtanker%20or%20ship3", {
    prepare: (page) => page.getByLabel("Program and arguments").fill("df -h /"),
  });
  await shoot("job", "/run?to=ship1,ship3", {
    prepare: async (page) => {
      await page.getByLabel("Program and arguments").fill("sh -c 'echo upgraded; sleep 120'");
      await page.getByText("In waves, as a job").click();
      await page.getByLabel("Waves end at").fill("1,100%");
      await page.getByLabel("What it is for").fill("upgrade of the chart server");
      await page.getByRole("button", { name: "Send to 2 nodes" }).click();
      await page.getByText("wave 1: 1 node").waitFor();
    },
  });
  await shoot("logs", "/logs");
  await shoot("inspection", "/inspection?tab=tree");
  await shoot("machines", "/inspection?tab=machines&machine=publisher", { viewport: { width: 1280, height: 640 } });
  await steward("hold", "ship3", "--until", "4h", "--note", "dry dock", "--yes");
  await shoot("attention", "/attention?tab=holds", { viewport: { width: 1280, height: 420 } });
  await shoot("people", "/people", { viewport: { width: 1280, height: 560 } });
  await browser.close();
} finally {
  demo.kill("SIGINT");
  await ended;
}

/** The configuration of the demo's central, once the story has been played. */
function configOf(child) {
  return new Promise((resolve, reject) => {
    let said = "";
    const late = setTimeout(() => reject(new Error(`the demo is not up:\n${said}`)), DEMO_WITHIN);
    child.stdout.on("data", (chunk) => {
      said += chunk;
      const path = /STEWARD_CONFIG=(\S+)/.exec(said)?.[1];
      if (path === undefined || !said.includes("Ctrl-C here")) return;
      clearTimeout(late);
      resolve(path);
    });
  });
}

/** Facts of ships that there are not: those of the machine that makes the pictures are nobody's business. */
function factsOf(url) {
  const node = decodeURIComponent(new URL(url).pathname.split("/")[3] ?? "");
  const now = Date.now();
  const facts = {
    "os.name": "Debian GNU/Linux",
    "os.version": "12",
    kernel: "6.1.0-28-amd64",
    arch: "x64",
    cpus: 4,
    memory: 8 * 1024 ** 3,
    "disk.root.size": 120 * 1024 ** 3,
    "disk.root.full": 41,
    addresses: ["10.20.0.14"],
  };
  const list = Object.entries(facts).map(([key, value]) => ({ key, value, since: now - 86_400_000 }));
  return { node, asOf: now, toldAt: now, list, changes: [] };
}

async function logIn(browser, link) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(link);
  await page.locator(".link-status.tone-good").waitFor();
  const state = await context.storageState();
  await context.close();
  return state;
}

/** WebP is a quarter of a PNG; the browser itself makes it. */
async function webpOf(page) {
  const session = await page.context().newCDPSession(page);
  const { data } = await session.send("Page.captureScreenshot", { format: "webp", quality: 82 });
  return Buffer.from(data, "base64");
}
