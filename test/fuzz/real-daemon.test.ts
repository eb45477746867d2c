import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect as connectNats } from "nats";
import { expect, it } from "vitest";
import { eventuallySeen } from "../harness/eventually.ts";
import { startFleet } from "../harness/fleet/fleet.ts";
import type { TestNode } from "../harness/fleet/test-node.ts";
import { readCorpus } from "./corpus.ts";
import { exchange } from "./exchange.ts";

/** The whole corpus at the entrances of daemons that are real: broker, socket and folder. */
const corpus = readCorpus(fileURLToPath(new URL("./corpus/", import.meta.url)));
const of = (...targets: readonly string[]): Uint8Array[] =>
  corpus.filter(({ target }) => targets.includes(target)).map(({ input }) => input);

/** More than the daemon itself needs, less than what a bomb would take. */
const MEMORY = 700 * 1024 * 1024;

async function metric(node: TestNode, name: string): Promise<number> {
  const lines = (await node.api.metrics()).split("\n").filter((line) => line.startsWith(name));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}

it("all that is kept, thrown at the broker, the socket and the folder of a daemon, leaves it as it was", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: {} } });
  const { central } = fleet;
  const ship1 = fleet.node("ship1");
  const nats = await connectNats({ servers: fleet.broker?.url ?? "" });
  try {
    const payloads = of("frame", "ack", "report", "method-data", "messages");
    const subjects = ["command.shellcommand.operatingsystem", "event.hello.steward", "command.cancel.steward", "x"];
    const before = await metric(ship1, "steward_refused_total");
    for (const node of fleet.nodes) {
      for (const subject of subjects)
        for (const payload of payloads) nats.publish(`${node.name}.${subject}`, payload, { reply: "_INBOX.none.x" });
    }
    await nats.flush();
    await eventuallySeen(
      "most of it is counted",
      async () => (await metric(ship1, "steward_refused_total")) - before > 0.8 * payloads.length * subjects.length,
      60_000,
    );
  } finally {
    await nats.close();
  }

  for (const request of of("api")) await exchange(central.socket, request);

  const inbox = join(central.data, "inbox");
  await mkdir(inbox, { recursive: true });
  await Promise.all(
    of("messages", "config").map((content, n) =>
      writeFile(join(inbox, `${n}.${n % 2 === 0 ? "yaml" : "json"}`), content),
    ),
  );
  await symlink("/etc/passwd", join(inbox, "link.yaml"));
  await symlink(inbox, join(inbox, "loop.json"));
  execFileSync("mkfifo", [join(inbox, "pipe.json")]);
  await mkdir(join(inbox, "folder.yaml"));
  const good = { to: "ship1", command: "shellcommand", domain: "operatingsystem", data: ["echo", "through"] };
  await writeFile(join(inbox, "zz-good.json"), `${JSON.stringify(good)}\n`);
  await eventuallySeen("the last file is taken", () => existsSync(join(inbox, "done", "zz-good.json")), 60_000);
  // What may be the beginning of something longer is given time.
  const rejected = await eventuallySeen(
    "what is bad is rejected",
    async () => {
      const names = await readdir(join(inbox, "rejected")).catch(() => []);
      const left = (await readdir(inbox)).filter((name) => /^\d+\./.test(name));
      return left.length === 0 && names;
    },
    60_000,
  );
  expect(rejected.length).toBeGreaterThan(2 * 15);
  for (const name of rejected.filter((each) => !each.endsWith(".error"))) expect(rejected).toContain(`${name}.error`);

  for (const node of fleet.nodes) {
    expect(node.daemon.stdout).not.toMatch(/"level":"error".*(internal|TypeError|RangeError)/);
    const { processes } = await node.api.processes();
    expect(processes.filter(({ state }) => state === "quarantined")).toEqual([]);
    expect(await metric(node, "process_resident_memory_bytes")).toBeLessThan(MEMORY);
    // Those two, and the names that stand in the corpus.
    expect((await node.api.nodes()).length).toBeLessThan(10);
    expect(await metric(node, 'steward_refused_total{reason="internal"}')).toBe(0);
  }
  expect(await central.steward("run", "ship1", "--", "echo", "alive")).toMatchObject({ code: 0, stdout: "alive\n" });
}, 120_000);
