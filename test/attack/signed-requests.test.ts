import { createServer, request } from "node:http";
import { expect, it, vi } from "vitest";
import { eventuallySeen } from "../harness/eventually.ts";
import { startFleet } from "../harness/fleet/fleet.ts";
import { atTestEnd } from "../harness/temp.ts";

/** Somebody on the way of a daemon's socket, who sees the requests that an operator signs. */

// Real processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000 });

interface Seen {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Listens in the daemon's place; asks for the daemon's name go on to it, all else is kept. */
class Eavesdropper {
  readonly seen: Seen[] = [];
  /** The socket that it passes for. */
  passesFor: string;

  constructor(path: string, passesFor: string) {
    this.passesFor = passesFor;
    const server = createServer(({ url = "", headers }, answer) => {
      const signature = headers["steward-operator"];
      if (typeof signature === "string") this.seen.push({ url, headers: { "steward-operator": signature } });
      const onward = request({ socketPath: this.passesFor, path: "/healthz", agent: false }, (told) => {
        const name = told.headers["steward-daemon"];
        answer.writeHead(200, { ...(name === undefined ? {} : { "steward-daemon": name }) });
        answer.end("[]");
        told.resume();
      });
      onward.end();
    }).listen(path);
    atTestEnd(
      () => new Promise<void>((resolve) => server.close(() => resolve())),
      () => undefined,
    );
  }
}

function sent(socketPath: string, { url, headers }: Seen): Promise<{ status: number | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path: url, headers, agent: false }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (piece: string) => {
        text += piece;
      });
      answer.once("end", () => resolve({ status: answer.statusCode, text }));
    });
    asked.once("error", reject);
    asked.end();
  });
}

it("a request that was signed for one daemon is refused by another one that knows the operator", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: { config: { operators: { socket: "nobody" } } } } });
  const { central } = fleet;
  const [ship1, key] = [fleet.node("ship1"), fleet.file("ann.nk")];
  const made = await fleet.steward("operator", "key", "ann", "--file", key);
  expect((await fleet.steward("operator", "add", "ann", "--role", "admin", "--key", made.stdout.trim())).code).toBe(0);
  await eventuallySeen("ship1 knows ann", async () => (await ship1.steward("--as", key, "whoami")).code === 0);

  const between = new Eavesdropper(fleet.file("between.sock"), central.socket);
  const nodes = () => fleet.steward("--as", key, "--socket", fleet.file("between.sock"), "nodes");
  await nodes();
  const [first] = between.seen;
  expect(first?.url).toContain("/v1/nodes");
  const elsewhere = await sent(ship1.socket, first as Seen);
  expect(elsewhere.status).toBe(401);
  expect(elsewhere.text).toContain("it was signed for another daemon");
  // It was good all the same, for its own daemon.
  expect((await sent(central.socket, first as Seen)).status).toBe(200);

  // Whoever sits in the daemon's place and names another one has nothing signed.
  between.seen.length = 0;
  between.passesFor = ship1.socket;
  const refused = await nodes();
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/has the key U\S+; when you last signed for it, it had U/);
  expect(refused.stderr).toContain("known-daemons");
  expect(between.seen).toEqual([]);

  // The daemon itself is signed for as before.
  expect((await fleet.steward("--as", key, "whoami")).code).toBe(0);
});
