import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { world } from "../world.ts";

const ONE = "{to: [ship1, ship2], command: shellcommand, domain: operatingsystem, data: [uname, -a], deliverBy: 2h}";

test("send submits the messages of a file in their order and prints the ids", async () => {
  const w = await world();
  await writeFile(join(w.directory, "m.yaml"), ONE);
  const { code, out } = await w.run(["send", "m.yaml"]);
  expect(code).toBe(0);
  expect(out).toBe(
    w.ops.messageList
      .slice(-2)
      .map((message) => `${message.id}  ${message.subject}\n`)
      .join(""),
  );
  expect(w.ops.callsOf("submit")[0]?.args[0]).toMatchObject([
    {
      subject: "ship1.command.shellcommand.operatingsystem",
      data: ["uname", "-a"],
      deliverBy: 7_200_000,
      knownNodesOnly: true,
    },
    { subject: "ship2.command.shellcommand.operatingsystem" },
  ]);
});

test("send - reads standard input; --json prints what was accepted", async () => {
  const w = await world();
  const { out } = await w.run(["send", "-", "--json"], { stdin: ONE });
  expect(JSON.parse(out)).toMatchObject([
    { node: "ship1", link: "online" },
    { node: "ship2", link: "offline" },
  ]);
});

test("send --follow waits as run does", async () => {
  const w = await world();
  const running = w.start(["send", "-", "--follow"], { stdin: ONE });
  await running.shows("ship2  ○ offline");
  const id = w.ops.messageList.at(-2)?.id ?? "";
  w.ops.assert(id, "succeeded", { outcome: { state: "succeeded", at: 1, startedAt: 0, code: 0 } });
  expect(await running.code).toBe(3);
  expect(running.err()).toContain("2 messages: ✓ 1 succeeded, ○ 1 queued");
});

test("a faulty file is bad usage with line and column, and nothing is sent", async () => {
  const w = await world();
  const { code, err } = await w.run(["send", "-"], {
    stdin: `${ONE}\n---\n{to: ship1, comand: shellcommand, domain: x}\n`,
  });
  expect(code).toBe(2);
  expect(err).toContain('standard input:3:13: "comand" is not known here; did you mean command?');
  expect(w.ops.callsOf("submit")).toEqual([]);
});

test("a file that cannot be read is said by name", async () => {
  const w = await world();
  const { code, err } = await w.run(["send", "missing.yaml"]);
  expect(code).toBe(2);
  expect(err).toContain("cannot read missing.yaml: there is no such file");
});
