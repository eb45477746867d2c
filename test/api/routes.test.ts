import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { NAMED } from "../../src/api/openapi.ts";
import { StewardError } from "../../src/message/errors.ts";
import { type ApiRoom, apiRoom, JSON_TYPE } from "./api-room.ts";

const SUBJECT = "ship1.command.shellcommand.operatingsystem";

describe("the routes", () => {
  let room: ApiRoom;
  beforeEach(async () => {
    room = await apiRoom();
  });
  afterEach(() => room.end());

  test("a list of drafts is accepted in its order and reaches the operation as it was written", async () => {
    const drafts = [
      { subject: SUBJECT, data: ["uname", "-a"], deliverBy: 7_200_000, timeout: 30_000, knownNodesOnly: true },
      { subject: "ship2.command.shellcommand.nginx", data: { deep: [null, { __proto__: null }] }, deliverBy: null },
    ];
    const accepted = await room.client.submit(drafts);
    expect(accepted.map(({ subject, node, link }) => ({ subject, node, link }))).toEqual([
      { subject: SUBJECT, node: "ship1", link: "online" },
      { subject: "ship2.command.shellcommand.nginx", node: "ship2", link: "offline" },
    ]);
    expect(room.operations.callsOf("submit")[0]?.args).toEqual([drafts]);
  });

  test("a single draft is answered with a list of one and 201", async () => {
    const answer = await room.ask("POST", "/v1/messages", JSON.stringify({ subject: SUBJECT, data: null }), JSON_TYPE);
    expect(answer.status).toBe(201);
    expect(NAMED.Accepted.array().parse(JSON.parse(answer.text))).toHaveLength(1);
  });

  test("a key called __proto__ in the data is data like any other", async () => {
    await room.ask("POST", "/v1/messages", `{"subject":"${SUBJECT}","data":{"__proto__":{"a":1}}}`, JSON_TYPE);
    const [draft] = (room.operations.callsOf("submit")[0]?.args[0] ?? []) as { data: object }[];
    expect(JSON.stringify(draft?.data)).toBe('{"__proto__":{"a":1}}');
  });

  test("a draft with faults is refused with its place in the list and the name of each field", async () => {
    const bad = [
      { subject: SUBJECT, data: 1 },
      { subject: 7, timeout: -1, colour: "red" },
    ];
    const error = await room.client.submit(bad as never).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StewardError);
    expect(error).toMatchObject({ code: "message-invalid", details: { where: "2" } });
    const { fault } = (error as StewardError).details;
    for (const name of ["subject", "data", "timeout", "colour"]) expect(fault).toContain(name);
    expect(room.operations.callsOf("submit")).toEqual([]);
  });

  test("an empty list of drafts is refused", async () => {
    await expect(room.client.submit([])).rejects.toMatchObject({ code: "message-invalid" });
  });

  test("a message is shown once no crash can take back what is shown of it", async () => {
    const seen: string[] = [];
    const [{ id = "" } = {}] = room.operations.messageList;
    room.operations.untilDurable = new Promise((resolve) => {
      setImmediate(() => {
        seen.push("durable");
        resolve();
      });
    });
    await room.client.message(id);
    seen.push("shown");
    expect(seen).toEqual(["durable", "shown"]);

    const failed = new StewardError("journal-failed", { path: "here", fault: "no space" });
    room.operations.untilDurable = Promise.reject(failed);
    room.operations.untilDurable.catch(() => undefined);
    await expect(room.client.message(id)).rejects.toMatchObject({ code: "journal-failed" });
    await expect(room.client.messages({})).rejects.toMatchObject({ code: "journal-failed" });
  });

  test("the filters of messages reach the operation with their types", async () => {
    const open = await room.client.messages({ node: "ship2", state: "queued", direction: "out", open: true, limit: 5 });
    expect(open.map((message) => message.subject)).toEqual(["ship2.command.shellcommand.operatingsystem"]);
    expect(room.operations.callsOf("messages")[0]?.args).toEqual([
      { node: "ship2", state: "queued", direction: "out", open: true, limit: 5 },
    ]);
    await room.client.messages({ open: false });
    expect(room.operations.callsOf("messages")[1]?.args).toEqual([{ open: false }]);
  });

  test.each(["?limit=-1", "?limit=x", "?limit=", "?state=gone", "?open=1", "?colour=red", "?node=a&node=b", "?node="])(
    "the query %s is refused with the parameter's name",
    async (query) => {
      const answer = await room.ask("GET", `/v1/messages${query}`);
      expect(answer.status).toBe(400);
      const { error } = NAMED.Failure.parse(JSON.parse(answer.text));
      expect(error).toMatchObject({ code: "request-invalid", exit: 2 });
      expect(error.message).toContain(query.slice(1).split("=")[0]);
    },
  );

  test("a message is found by the beginning of its id, and an ambiguous beginning is a conflict", async () => {
    const [first] = room.operations.messageList;
    const id = first?.id ?? "";
    expect((await room.client.message(id)).output).toEqual([{ stream: "stdout", offset: 0, text: "Linux\n" }]);
    await expect(room.client.message(id.slice(0, 4))).rejects.toMatchObject({ code: "message-ambiguous", exit: 2 });
    expect((await room.ask("GET", `/v1/messages/${id.slice(0, 4)}`)).status).toBe(409);
    expect((await room.ask("GET", "/v1/messages/ZZZ")).status).toBe(404);
  });

  test("cancel answers done, requested or too late", async () => {
    const [done, queued] = room.operations.messageList;
    expect(await room.client.cancel(queued?.id ?? "")).toMatchObject({ kind: "done" });
    expect(await room.client.cancel(done?.id ?? "")).toMatchObject({ kind: "tooLate", state: "succeeded" });
  });

  test("nodes, one node, processes, dead letters, logs and reload answer what the operations say", async () => {
    expect((await room.client.nodes()).map((node) => node.name)).toEqual(["central", "ship1", "ship2", "ship3"]);
    expect((await room.client.node("ship2")).lanes[0]?.reason).toBe("the node is offline");
    expect((await room.client.processes()).node).toBe("central");
    expect((await room.client.processes({ node: "ship1", timeout: 500 })).processes).toHaveLength(2);
    expect(room.operations.callsOf("processes")[1]?.args).toEqual([{ node: "ship1", timeout: 500 }]);
    const revived = await room.client.control("ship1", "ship1.command.shellcommand.nginx", "revive");
    expect(revived.state).toBe("idle");
    expect(await room.client.logs({ node: "ship1", lines: 1 })).toEqual([
      { node: "ship1", domain: "nginx", line: "GET /x 404" },
    ]);
    expect(await room.client.reload()).toEqual({ changes: [], needRestart: [] });
    const [letter] = await room.client.dead();
    await room.client.retryDead(letter?.id ?? "");
    expect(await room.client.dead()).toEqual([]);
    await expect(room.client.dropDead(letter?.id ?? "")).rejects.toMatchObject({ code: "dead-letter-unknown" });
  });

  test("names that need escaping in a path arrive whole", async () => {
    await expect(room.client.node("a/b ?ü%2e")).rejects.toMatchObject({
      code: "node-unknown",
      details: { node: "a/b ?ü%2e" },
    });
  });

  test("the health of a daemon that is not well is 503 and still told", async () => {
    expect((await room.ask("GET", "/healthz")).status).toBe(200);
    room.operations.healthNow = { ...room.operations.healthNow, ok: false, quarantined: ["x"] };
    expect((await room.ask("GET", "/healthz")).status).toBe(503);
    expect(await room.client.health()).toMatchObject({ ok: false, quarantined: ["x"] });
  });

  test("metrics are plain text of the exposition format", async () => {
    const answer = await room.ask("GET", "/metrics");
    expect(answer.headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(await room.client.metrics()).toBe(answer.text);
  });

  test.each([
    ["journal-full", 507, 3],
    ["journal-failed", 503, 1],
    ["permission-denied", 403, 1],
    ["node-unknown", 404, 2],
    ["message-too-large", 413, 2],
    ["subject-invalid", 400, 2],
  ] as const)("%s is answered with %i and comes back as the same error", async (code, status, exit) => {
    const details = { held: 9, limit: 8, path: "/x", node: "n", subject: "s", bytes: 3, fault: "f", origin: "o" };
    room.operations.failWith("submit", new StewardError(code, details));
    const draft = { subject: SUBJECT, data: 1 };
    const answer = await room.ask("POST", "/v1/messages", JSON.stringify(draft), JSON_TYPE);
    expect(answer.status).toBe(status);
    const { error } = NAMED.Failure.parse(JSON.parse(answer.text));
    const thrown = (await room.client.submit([draft]).catch((e: unknown) => e)) as StewardError;
    expect(thrown).toMatchObject({ code, exit, details, message: error.message, remedy: error.remedy });
  });

  test("a defect is 500 with the code internal, one error line, and the next request is answered", async () => {
    room.operations.failWith("nodes", new TypeError("x is not a function"));
    await expect(room.client.nodes()).rejects.toMatchObject({
      code: "internal",
      details: { fault: "x is not a function" },
    });
    expect(room.log.lines.filter((line) => line.level === "error")).toHaveLength(1);
    room.operations.failWith("nodes");
    expect(await room.client.nodes()).toHaveLength(4);
  });

  test("an unknown path is 404 and a known one with another method 405, both in JSON", async () => {
    expect((await room.ask("GET", "/v2/messages")).status).toBe(404);
    const answer = await room.ask("DELETE", "/v1/messages");
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe("POST, GET");
    expect(NAMED.Failure.parse(JSON.parse(answer.text)).error.remedy).toContain("/openapi.json");
    expect((await room.ask("HEAD", "/v1/events")).status).toBe(405);
    expect((await room.ask("HEAD", "/v1/nodes")).status).toBe(200);
  });
});
