import { mkdtemp, rm } from "node:fs/promises";
import { type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openClient } from "../../src/api/client.ts";
import { STREAM_LIMITS } from "../../src/api/event-streams.ts";
import { type Api, openApi } from "../../src/api/server.ts";
import { type Name, routeOf } from "../../src/runtime/operate/routes.ts";
import { SocketIdentity } from "../../src/runtime/operate/speak/identify.ts";
import { Reception } from "../../src/runtime/operate/speak/reception.ts";
import type { AnyEntry } from "../../src/runtime/operate/table/entry.ts";
import { TABLE } from "../../src/runtime/operate/table.ts";
import { Identity, newSeeds } from "../../src/security/keys/identity.ts";
import { OperatorDirectory } from "../../src/security/operators/directory.ts";
import type { OperatorRecord } from "../../src/security/operators/operator-record.ts";
import { SIGNATURE_HEADER, signRequest } from "../../src/security/operators/request-signature.ts";
import { ROLES, type Role } from "../../src/security/operators/speaker.ts";
import { eventuallySeen } from "../harness/eventually.ts";
import { type FakeOperations, fakeOperations } from "../harness/fake-operations.ts";
import { listLog } from "../harness/list-log.ts";
import { seededRandom } from "../harness/random.ts";
import { type Answer, askRaw, JSON_TYPE } from "./api-room.ts";

const random = seededRandom(9);
const ann = new Identity(newSeeds(random));
const bob = new Identity(newSeeds(random));
const eve = new Identity(newSeeds(random));

describe("a request to the API", () => {
  let directory: string;
  let socket: string;
  let fake: FakeOperations;
  let api: Api;
  let operators: readonly OperatorRecord[];
  let role: "admin" | "operator" | "viewer" | "nobody" | undefined;
  let socketAccess: "owner" | "group";
  const asked: string[] = [];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "steward-speaker-"));
    socket = join(directory, "s.sock");
    fake = fakeOperations();
    role = "admin";
    socketAccess = "owner";
    operators = [record("ann", ann, "operator"), record("bob", bob, "viewer")];
    asked.length = 0;
    const { clock } = fake;
    const daemon = { name: "central", header: "central" };
    const identity = new SocketIdentity({
      config: () => ({
        node: "central",
        central: "central",
        operators: role === undefined ? {} : { socket: role },
        socketAccess,
      }),
      operators: new OperatorDirectory(() => ({ operators: operators as never })),
      clock,
      daemon,
    });
    const reception = new Reception(
      (request) => identity.identify(request),
      (speaker) => {
        asked.push(speaker.name);
        return fake;
      },
    );
    api = await openApi({ operations: fake, reception, daemon, path: socket, clock, log: listLog() });
  });
  afterEach(async () => {
    await api.stop();
    await rm(directory, { recursive: true });
  });

  const record = (name: string, { keys }: Identity, role: OperatorRecord["role"]): OperatorRecord => ({
    name,
    key: keys.sign,
    role,
    standing: "accepted",
    since: 1,
    by: "central",
  });
  const signed = (signer: Identity, method: string, url: string, body = ""): Record<string, string> => ({
    [SIGNATURE_HEADER]: signRequest(signer, "central", { method, url }, Buffer.from(body), fake.clock, random),
  });
  const ask = (method: string, path: string, headers: Record<string, string> = {}, body?: string): Promise<Answer> =>
    askRaw({ socketPath: socket }, method, path, body, body === undefined ? headers : { ...JSON_TYPE, ...headers });

  test("is refused below the role that the table names for its operation, for every operation of the table", async () => {
    const roles: readonly Role[] = ["anyone", "viewer", "operator", "admin"];
    expect(ROLES).toEqual(roles);
    for (const [name, { needs }] of Object.entries(TABLE) as [Name, AnyEntry][]) {
      const { method, path } = routeOf(name);
      for (const [i, speaks] of roles.entries()) {
        role = speaks === "anyone" ? "nobody" : speaks;
        if (name === "watch" && i >= roles.indexOf(needs)) continue;
        const { status, text } = await ask(
          method,
          path.replace(/\{\w+\}/g, "x"),
          {},
          method === "POST" ? "[]" : undefined,
        );
        const shown = `${speaks} asks for ${name}: ${text.slice(0, 200)}`;
        if (i < roles.indexOf(needs)) {
          expect(status, shown).toBe(403);
          expect(JSON.parse(text).error, shown).toMatchObject({ code: "role-denied", details: { needs } });
        } else expect(status, shown).not.toBe(403);
      }
    }
    // The operations that change something are not for those who look.
    for (const name of ["submit", "cancel", "control", "decide", "invite", "label", "reload", "dropDead"] as const)
      expect(roles.indexOf(TABLE[name].needs)).toBeGreaterThan(roles.indexOf("viewer"));
  });

  test("on the socket is an admin's for its owner, and a viewer's for a group that the file gives no role", async () => {
    role = undefined;
    expect((await ask("POST", "/v1/reload")).status).toBe(200);
    socketAccess = "group";
    expect((await ask("POST", "/v1/reload")).status).toBe(403);
    expect((await ask("GET", "/v1/nodes")).status).toBe(200);
    role = "admin";
    expect((await ask("POST", "/v1/reload")).status).toBe(200);
  });

  test("speaks in the name of the operator who signed it, with the role of that operator", async () => {
    const body = JSON.stringify({ subject: "ship1.command.shellcommand.x", data: ["ls"] });
    const post = ["POST", "/v1/messages"] as const;
    expect((await ask(...post, signed(ann, ...post, body), body)).status).toBe(201);
    expect(asked).toEqual(["ann@central"]);
    const viewer = await ask(...post, signed(bob, ...post, body), body);
    expect(viewer.status).toBe(403);
    expect(JSON.parse(viewer.text).error).toMatchObject({
      message: expect.stringContaining("bob@central has the role viewer, and this needs the role operator"),
      remedy: expect.stringContaining("steward operator add bob --role operator --replace"),
    });
    expect((await ask("GET", "/v1/nodes", signed(bob, "GET", "/v1/nodes"))).status).toBe(200);
    expect(fake.callsOf("submit")).toHaveLength(1);
  });

  test("for a stream holds as long as its speaker may look: nothing is told to one who was removed, who has another key, or whose role is gone", async () => {
    const get = ["GET", "/v1/events"] as const;
    const watched = async (headers: Record<string, string>) => {
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        const options = { socketPath: socket, path: get[1], headers: { host: "steward", ...headers }, agent: false };
        request(options, resolve).once("error", reject).end();
      });
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      const over = new Promise<string>((resolve) => {
        response.once("error", () => undefined).once("close", () => resolve(text));
      });
      return { over, has: (word: string) => text.includes(word) };
    };
    const told = (cause: string): void =>
      fake.emit({ type: "node", at: 1, name: "ship1", region: "link", from: "late", to: "online", cause });
    const streams = {
      removed: await watched(signed(ann, ...get)),
      rekeyed: await watched(signed(bob, ...get)),
      local: await watched({}),
    };
    told("before");
    for (const stream of Object.values(streams)) await eventuallySeen("an event", async () => stream.has("before"));
    operators = operators.map((one) => (one.name === "ann" ? { ...one, standing: "removed" } : one));
    told("after ann");
    expect(await streams.removed.over).not.toContain("after ann");
    // The others go on; without any event they are looked at as well.
    await eventuallySeen("an event", async () => streams.rekeyed.has("after ann"));
    operators = operators.map((one) => (one.name === "bob" ? { ...one, key: eve.keys.sign } : one));
    fake.clock.advance(STREAM_LIMITS.look);
    expect(await streams.rekeyed.over).toContain("after ann");
    role = "nobody";
    told("after all");
    expect(await streams.local.over).not.toContain("after all");
    expect(fake.watchers).toBe(0);
  });

  test("of an unknown, removed or former key is refused, and never falls back to the role of the socket", async () => {
    const get = ["GET", "/v1/nodes"] as const;
    const unknown = await ask(...get, signed(eve, ...get));
    expect(unknown.status).toBe(401);
    expect(JSON.parse(unknown.text).error).toMatchObject({
      code: "operator-unknown",
      remedy: expect.stringContaining(`--key ${eve.keys.sign}`),
    });
    operators = [{ ...record("ann", ann, "operator"), standing: "removed" }];
    expect(JSON.parse((await ask(...get, signed(ann, ...get))).text).error.code).toBe("operator-removed");
    operators = [{ ...record("ann", bob, "operator"), former: [{ key: ann.keys.sign, signature: "" }] }];
    expect(JSON.parse((await ask(...get, signed(ann, ...get))).text).error).toMatchObject({
      code: "operator-removed",
      message: expect.stringContaining("has another key since"),
    });
    expect(asked).toEqual([]);
  });

  test("with another body than was signed, or sent a second time, is refused", async () => {
    const body = JSON.stringify({ subject: "ship1.command.shellcommand.x", data: ["ls"] });
    const post = ["POST", "/v1/messages"] as const;
    const header = signed(ann, ...post, body);
    const other = await ask(...post, header, body.replace("ls", "rm"));
    expect(other.status).toBe(401);
    expect(JSON.parse(other.text).error.message).toContain("the body is another one than was signed");
    const again = await ask(...post, header, body);
    expect(again.status).toBe(401);
    expect(fake.callsOf("submit")).toEqual([]);
  });

  test("of the command line's client is signed, whatever the operation", async () => {
    const client = openClient({
      socket,
      clock: fake.clock,
      sign: {
        daemon: String,
        headers: (daemon, request, body) => ({
          [SIGNATURE_HEADER]: signRequest(ann, daemon, request, body, fake.clock, random),
        }),
      },
    });
    await client.nodes({ filter: "name=ship1" });
    await client.cancel(fake.messageList[1]?.id ?? "");
    await client.submit([{ subject: "ship1.command.shellcommand.x", data: "é" }]);
    // The first request asks for the name of the daemon.
    expect(asked).toEqual(["local", "ann@central", "ann@central", "ann@central"]);
  });
});
