import { mkdir, writeFile } from "node:fs/promises";
import { type RequestOptions, request } from "node:https";
import { join } from "node:path";
import { expect } from "vitest";
import { openPageListener, type PageListenerOptions } from "../../../src/api/page/page-listener.ts";
import type { Speaker } from "../../../src/security/operators/speaker.ts";
import { FailedLogins } from "../../../src/security/sessions/failed-logins.ts";
import { Sessions } from "../../../src/security/sessions/sessions.ts";
import { fakeOperations } from "../../harness/fake-operations.ts";
import { listLog } from "../../harness/list-log.ts";
import { seededRandom } from "../../harness/random.ts";
import { atTestEnd, tempDir } from "../../harness/temp.ts";
import { type Answer, askRaw } from "../api-room.ts";

export const ANN: Speaker = { name: "ann", role: "operator", by: "socket" };
export const HASHED = "/assets/index-4f3a9c1b.js";
export const IDLE = 3_600_000;
export const LONGEST = 10 * IDLE;

/** The page's listener over fake operations and real sessions, in simulated time; asked with node:http alone. */
export async function pageRoom(more: Partial<PageListenerOptions> = {}) {
  const directory = await tempDir();
  const folder = join(directory, "dashboard");
  await mkdir(join(folder, "assets"), { recursive: true });
  await writeFile(join(directory, "secret.txt"), "secret");
  await writeFile(join(folder, "index.html"), "<!doctype html><title>steward</title>");
  await writeFile(join(folder, HASHED.slice(1)), `console.log("${"page ".repeat(200)}")`);
  const operations = fakeOperations();
  const { clock } = operations;
  const log = listLog();
  const sessions = new Sessions({
    clock,
    random: seededRandom(5),
    times: () => ({ idle: IDLE, longest: LONGEST }),
    keeper: { read: () => [], write: () => undefined },
  });
  const logins: { by: string | undefined; from: string }[] = [];
  const listener = await openPageListener({
    operations,
    listen: { host: "127.0.0.1", port: 0 },
    address: undefined,
    tls: undefined,
    folder,
    life: "life",
    visitors: sessions,
    speakerOf: ({ speaker, role }) => ({ ...speaker, role }),
    operationsFor: () => operations,
    failures: new FailedLogins(clock),
    loggedIn: (visitor, from) => void logins.push({ by: visitor?.speaker.name, from }),
    clock,
    log,
    ...more,
  });
  const { port, origin } = listener;
  const host = new URL(origin).host;
  const end = async (): Promise<void> => {
    await listener.stop();
    expect(clock.armed).toBe(0);
    expect(operations.watchers).toBe(0);
  };
  atTestEnd(end, () => undefined);
  const ask = (method: string, path: string, headers: Record<string, string> = {}, body?: string): Promise<Answer> =>
    askRaw({ host: "127.0.0.1", port }, method, path, body, { host, ...headers });
  return {
    directory,
    folder,
    operations,
    clock,
    log,
    sessions,
    logins,
    listener,
    port,
    origin,
    host,
    ask,
    /** Follows a new link; the headers of requests of the page from then on. */
    async login(): Promise<{ cookie: string; csrf: string; setCookie: string }> {
      const entered = await ask("GET", `/login/${sessions.link(ANN).secret}`);
      const [setCookie = ""] = entered.headers["set-cookie"] ?? [];
      const cookie = setCookie.split(";", 1)[0] ?? "";
      const { csrf } = JSON.parse((await ask("GET", "/session", { cookie })).text) as { csrf: string };
      return { cookie, csrf, setCookie };
    },
  };
}

/** One HTTPS request; its answer, and the certificate that the server showed. */
export function askSecurely(
  options: RequestOptions,
): Promise<{ status: number; headers: Answer["headers"]; serial: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ agent: false, checkServerIdentity: () => undefined, ...options }, (response) => {
      const socket = response.socket as import("node:tls").TLSSocket;
      const serial = socket.getPeerCertificate().serialNumber;
      response.resume();
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, serial }));
    });
    sent.on("error", reject);
    sent.end();
  });
}
