import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { DestinationConfig } from "../../src/config/config.ts";
import { WorldCourier } from "../../src/errands/courier.ts";
import type { Errand } from "../../src/message/care/errand.ts";
import type { RunEnd, RunSpec } from "../../src/methods/spawner.ts";
import { systemClock } from "../../src/platform/system-clock.ts";
import { atTestEnd, tempDir } from "../harness/temp.ts";

const ERRAND: Errand = {
  v: 1,
  id: "E1",
  to: "there",
  about: "outcome",
  body: { id: "M1", node: "ship1", summary: "uptime", state: "failed", code: 3 },
  madeAt: 0,
  attempts: 0,
  dueAt: 0,
};

function courier(destination: Partial<DestinationConfig>, end: Partial<RunEnd & { code: number }> = {}) {
  const specs: RunSpec[] = [];
  const published: string[] = [];
  const alerts: string[] = [];
  const options = {
    config: () => ({
      node: "central",
      destinations: { there: { timeout: 5_000, sendmail: ["/usr/sbin/sendmail", "-i"], ...destination } },
    }),
    clock: systemClock,
    newId: () => "R1",
    spawner: {
      start: async (spec: RunSpec, onOutput: (parts: never[]) => void) => {
        specs.push(spec);
        onOutput([{ stream: "stderr", offset: 0, text: "no such pager\n" }] as never[]);
        const ended = { kind: "exited", code: 0, signal: null, ...end } as RunEnd;
        return { pid: 1, cancel: () => undefined, end: Promise.resolve(ended), look: async () => true };
      },
      forget: async () => undefined,
    },
    transport: {
      publish: (subject: string, payload: Uint8Array) => {
        published.push(`${subject} ${Buffer.from(payload).toString()}`);
        return true;
      },
    },
    alert: (text: string) => void alerts.push(text),
    output: () => "up 3 days\n",
  };
  return { carry: () => new WorldCourier(options).carry(ERRAND), specs, published, alerts };
}

const TEXT =
  '{"key":"E1","about":"outcome","id":"M1","node":"ship1","summary":"uptime","state":"failed","code":3,"output":"up 3 days\\n"}';

test("a file gets a line each, also behind a line that a crash cut short", async () => {
  const path = join(await tempDir(), "outcomes.jsonl");
  writeFileSync(path, '{"key":"E0","ab');
  const { carry } = courier({ append: path });
  await carry();
  await carry();
  expect(readFileSync(path, "utf8")).toBe(`{"key":"E0","ab\n${TEXT}\n${TEXT}\n`);
  await expect(courier({ append: join(path, "x") }).carry()).rejects.toThrow("ENOTDIR");
});

test("a program gets the JSON on its standard input and the key, and nothing of the message as an argument", async () => {
  const { carry, specs } = courier({ run: ["/usr/local/bin/page", "-v"] });
  await carry();
  expect(specs).toMatchObject([
    {
      argv: ["/usr/local/bin/page", "-v"],
      input: { text: `${TEXT}\n`, encoding: "utf8" },
      env: { STEWARD_KEY: "E1" },
      timeout: 5_000,
    },
  ]);
  await expect(courier({ run: ["page"] }, { code: 3 }).carry()).rejects.toThrow(
    "page ended with exit code 3: no such pager",
  );
  const late = courier({ run: ["page"] }, { code: 0, ended: "timeout" } as never).carry();
  await expect(late).rejects.toThrow("page was ended after 5000 ms");
});

test("mail goes through sendmail, to the configured mailboxes, with one line as its subject", async () => {
  const { carry, specs } = courier({ mail: ["office@example.org", "crew@example.org"] });
  await carry();
  expect(specs[0]?.argv).toEqual(["/usr/sbin/sendmail", "-i", "--", "office@example.org", "crew@example.org"]);
  expect(specs[0]?.input?.text).toMatch(
    /^To: office@example\.org, crew@example\.org\nSubject: \[steward central\] ship1: uptime failed\nX-Steward-Key: E1\n/,
  );
});

test("a NATS subject gets the JSON, and an alert its one line", async () => {
  const bus = courier({ publish: "alerts.fleet" });
  await bus.carry();
  expect(bus.published).toEqual([`alerts.fleet ${TEXT}`]);
  const alert = courier({ alert: true });
  await alert.carry();
  expect(alert.alerts).toEqual(["ship1: uptime failed"]);
});

test("a web address gets a POST with key and token; only a status of success is one, and no redirect is followed", async () => {
  const requests: { readonly request: IncomingMessage; readonly body: string }[] = [];
  let status = 204;
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    requests.push({ request, body });
    if (status === 0) return;
    response.writeHead(status, { location: "/elsewhere" }).end("thanks");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  atTestEnd(async () => close(), close);
  const { port } = server.address() as AddressInfo;
  const post = `http://127.0.0.1:${port}/hook`;
  const tokenFile = join(await tempDir(), "token");
  writeFileSync(tokenFile, "letmein\n");
  await courier({ post, tokenFile }).carry();
  expect(requests).toMatchObject([
    {
      request: {
        method: "POST",
        url: "/hook",
        headers: {
          "content-type": "application/json",
          "idempotency-key": "E1",
          authorization: "Bearer letmein",
        },
      },
      body: TEXT,
    },
  ]);
  for (status of [302, 500])
    await expect(courier({ post }).carry()).rejects.toThrow(`127.0.0.1:${port} answered ${status}`);
  expect(requests).toHaveLength(3);
  status = 0;
  await expect(courier({ post, timeout: 50 }).carry()).rejects.toThrow(`127.0.0.1:${port} did not answer within 50 ms`);
  close();
  await expect(courier({ post }).carry()).rejects.toThrow(/^127\.0\.0\.1:\d+: ./);
});

test.each(["top\nsecret", "top\u0000secret", "töp-secret€", ""])(
  "a token that cannot stand in a header goes nowhere, and no complaint shows it: %j",
  async (token) => {
    const tokenFile = join(await tempDir(), "token");
    writeFileSync(tokenFile, token);
    const fault: unknown = await courier({ post: "http://127.0.0.1:1/hook", tokenFile })
      .carry()
      .catch((error: unknown) => error);
    expect(String(fault)).toBe(
      `Error: ${tokenFile} holds no token: one line of letters, digits and signs of ASCII, at most 8192 bytes`,
    );
  },
);

test("a destination that the configuration no longer has keeps what waits for it", async () => {
  await expect(
    new WorldCourier({ config: () => ({ node: "central", destinations: {} }) } as never).carry(ERRAND),
  ).rejects.toThrow("steward.yaml has no destination there any more");
});
