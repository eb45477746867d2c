import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { expect } from "vitest";
import { PATIENCE } from "../harness/eventually.ts";
import { atTestEnd } from "../harness/temp.ts";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** The Chromium of this machine; `undefined`: it has none, and the tests that need one are left out, aloud. */
export const CHROMIUM = [process.env.STEWARD_CHROMIUM ?? "", ...PLACES].find((path) => path !== "" && existsSync(path));
if (CHROMIUM === undefined)
  console.warn(
    "no Chromium was found: the tests of the page are left out (apt-get install chromium, or STEWARD_CHROMIUM)",
  );

/** A page with everything that went wrong in it: the test fails when there is something. */
export interface Room {
  readonly page: Page;
  readonly browser: Browser;
  readonly faults: string[];
}

export async function openPage(url: string, options: BrowserContextOptions = {}): Promise<Room> {
  const browser = await chromium.launch({
    executablePath: CHROMIUM ?? "",
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
  atTestEnd(
    () => browser.close(),
    () => undefined,
  );
  const context = await browser.newContext({ viewport: { width: 1360, height: 820 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000 * PATIENCE);
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => {
    // A request that fails is shown by the page; the browser writes of each one.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource"))
      faults.push(message.text());
  });
  await page.goto(url);
  return { page, browser, faults };
}

/** Resolves when the page shows this text somewhere. */
export async function shows(page: Page, text: string | RegExp, within = 15_000): Promise<void> {
  await page
    .getByText(text)
    .first()
    .waitFor({ timeout: within * PATIENCE });
}

export async function showsNot(page: Page, text: string | RegExp): Promise<void> {
  expect(await page.getByText(text).count()).toBe(0);
}

/** A port that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
