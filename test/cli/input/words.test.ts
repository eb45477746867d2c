import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { world } from "../world.ts";

const GONE = { STEWARD_SOCKET: "" };

describe("a target that is none", () => {
  test.each(["ship 1", "class=x", "ship1,", "not", "none", "class=", "@north"])(
    "is told what a target may be: %s",
    async (target) => {
      const w = await world();
      const { code, err } = await w.run(["run", target, "--", "true"]);
      expect(code).toBe(2);
      expect(err).toContain(`${target} is not a target: `);
      expect(err).toContain(
        "Write a node (ship1), several with commas between them, a pattern ('ship*'), a group (@north), all, or",
      );
      expect(err).not.toContain("is not a subject");
    },
  );
});

describe("a word of the target language is no name of a node", () => {
  test.each(["all", "self", "online", "NOT"])("in init: %s", async (name) => {
    const w = await world();
    const { code, err } = await w.run(["init", name, "--broker", "nats://h:4222", "--print"]);
    expect(code).toBe(2);
    expect(err).toContain(`${name} is a word of`);
  });

  test("in a configuration, and in a message file", async () => {
    const w = await world();
    await writeFile(join(w.directory, "steward.yaml"), "node: all\nbroker: {servers: [h]}\ndata: ./v\nnodes: [or]\n");
    const checked = await w.run(["config", "check"]);
    expect(checked.err).toContain("all is a word of");
    expect(checked.err).toContain("or is a word of");
    const sent = await w.run(["send", "-"], { stdin: "{to: none, command: shellcommand, domain: d, data: [id]}" });
    expect(sent.err).toContain('`to`: at character 1: expected a node, a group or a comparison, got "none"');
    const long = "{subject: {node: offline, messageType: command, method: m, domain: d}, message: {data: 1}}";
    expect((await w.run(["send", "-"], { stdin: long })).err).toContain("offline is a word of");
    expect(w.ops.callsOf("submit")).toEqual([]);
  });
});

describe("a time without end", () => {
  test.each(["never", "forever", "null"])(
    "is %s on the command line, in files, in the configuration and over HTTP",
    async (word) => {
      const w = await world();
      await w.run(["run", "ship1", "--no-wait", "--deliver-by", word, "--", "true"]);
      await w.run(["send", "-"], {
        stdin: `{to: ship1, command: shellcommand, domain: d, data: [id], deliverBy: ${word}}`,
      });
      await w.run(["send", "-"], {
        stdin: `{"to":"ship1","command":"shellcommand","domain":"d","data":["id"],"deliverBy":"${word}"}`,
      });
      const submitted = w.ops.callsOf("submit").map((call) => call.args[0] as { deliverBy?: unknown }[]);
      expect(submitted.map(([draft]) => draft?.deliverBy)).toEqual([null, null, null]);
      const text = `node: ship1\nbroker: {servers: [h]}\ndata: ./v\ndefaults: {deliverBy: ${word}}\n`;
      await writeFile(join(w.directory, "steward.yaml"), text);
      expect((await w.run(["config", "check"])).code).toBe(0);
    },
  );
});

describe("an id", () => {
  test("is found by its end, and by @1 for the newest and @2 for the one before", async () => {
    const w = await world();
    await w.run(["run", "ship1,ship2", "--no-wait", "--", "true"]);
    const [before = "", latest = ""] = w.ops.messageList.slice(-2).map(({ id }) => id);
    for (const [written, id] of [
      [latest.slice(-8), latest],
      [latest.slice(-8).toLowerCase(), latest],
      ["@1", latest],
      ["@2", before],
    ] as const) {
      const { out } = await w.run(["message", written, "--json"]);
      expect(JSON.parse(out)).toMatchObject({ id });
    }
    expect((await w.run(["cancel", "@9999"])).code).toBe(2);
  });

  test("that many begin with is told with their number, and how to go on", async () => {
    const w = await world();
    for (let n = 0; n < 50; n++) await w.run(["run", "ship1", "--no-wait", "--", "true"]);
    const beginning = w.latest.slice(0, 6);
    const count = w.ops.messageList.filter(({ id }) => id.startsWith(beginning)).length;
    const { code, err } = await w.run(["message", beginning]);
    expect(code).toBe(2);
    expect(count).toBeGreaterThanOrEqual(50);
    expect(err).toContain(`${beginning} is the beginning of ${count} ids: `);
    expect(err).toContain(", …");
    expect(err).toContain("@1 is the newest message");
  });
});

test.each([
  [["watch", "shpi1"]],
  [["watch", "shpi1", "--no-follow"]],
  [["messages", "--node", "shpi1"]],
  [["node", "shpi1"]],
  [["ps", "shpi1"]],
])("a node that nobody knows is an error with the name that was meant: %j", async (argv) => {
  const w = await world();
  const { code, err } = await w.run(argv);
  expect(code).toBe(2);
  expect(err).toContain("no node is called shpi1 (did you mean ship1?)");
});

test("init for an edge node insists on the broker's address", async () => {
  const w = await world();
  const { code, err } = await w.run(["init", "ship1", "--print"]);
  expect(code).toBe(2);
  expect(err).toContain("--broker nats://<host>:4222");
  expect((await w.run(["init", "--print"])).code).toBe(0);
});

describe("to reach the daemon", () => {
  const config = (w: { socket: string }, rest = "") =>
    `node: central\nbroker: {servers: [h], user: u, password: "\${NOT_SET_HERE}"}\ndata: ./v\nsocket: ${w.socket}\n${rest}`;

  test("no secret of the environment is needed, and nothing else of the file needs to be right", async () => {
    const w = await world();
    await writeFile(join(w.directory, "steward.yaml"), config(w, "hello: soon\n"));
    const { code, out } = await w.run(["nodes"], { env: GONE });
    expect(code).toBe(0);
    expect(out).toContain("ship1");
    expect((await w.run(["config", "check"], { env: GONE })).code).toBe(2);
  });

  test("the configuration in /etc is the default where there is none in the present directory", async () => {
    const w = await world();
    const none = await w.run(["nodes"], { env: GONE });
    expect(none.code).toBe(2);
    await writeFile(join(w.directory, "etc.yaml"), config(w));
    expect((await w.run(["nodes"], { env: GONE })).code).toBe(0);
    await writeFile(join(w.directory, "steward.yaml"), "node: central\ndata: /elsewhere\n");
    const { err } = await w.run(["nodes"], { env: GONE });
    expect(err).toContain("/elsewhere/steward.sock");
  });

  test("init writes into the present directory, whatever there is in /etc", async () => {
    const w = await world();
    await writeFile(join(w.directory, "etc.yaml"), config(w));
    expect((await w.run(["init"])).out).toContain(join(w.directory, "steward.yaml"));
  });
});
