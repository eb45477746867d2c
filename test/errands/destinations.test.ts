import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { connect } from "nats";
import { expect, test } from "vitest";
import { eventuallySeen } from "../harness/eventually.ts";
import { startFleet } from "../harness/fleet/fleet.ts";
import { whyNoSmallDisk } from "../harness/fleet/small-disk.ts";
import { atTestEnd, tempDir } from "../harness/temp.ts";

type Told = Readonly<Record<string, unknown>>;

/** Each kind of rule, and the ways to whoever is to be told. */
const RULES = {
  away: { when: "offline", nodes: "name=ship*" },
  full: { when: "storage" },
  faults: { when: "alert", codes: ["job-failed"] },
  tankers: { when: "class=tanker" },
};
const WAYS = ["hook", "script", "office", "bus"] as const;
const DISK = 24 * 1024 * 1024;
const subscribe = [{ subject: "command.shellcommand.operatingsystem", from: ["central"] }];

/** A program that keeps its standard input, a block for each run. */
function keeper(directory: string, name: string): { readonly program: string; readonly kept: () => string[] } {
  const [program, file] = [join(directory, name), join(directory, `${name}.kept`)];
  writeFileSync(program, `#!/bin/sh\n{ cat; printf '\\n%%%%\\n'; } >> ${file}\n`);
  chmodSync(program, 0o755);
  const kept = (): string[] => (existsSync(file) ? readFileSync(file, "utf8").split("\n%%\n").slice(0, -1) : []);
  return { program, kept };
}

/** A web server that keeps what is posted to it. */
async function hook(): Promise<{ readonly url: string; readonly posted: Told[] }> {
  const posted: Told[] = [];
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk: Buffer) => {
      text += chunk.toString("utf8");
    });
    request.on("end", () => {
      posted.push(JSON.parse(text) as Told);
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  atTestEnd(
    async () => void server.close(),
    () => undefined,
  );
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/alerts`, posted };
}

/** The fields of a letter's body that a text can hold. */
function letterOf(text: string): Told {
  const fields = text.split("\n").flatMap((line) => /^(\w+): (.*)$/.exec(line)?.slice(1) ?? []);
  return Object.fromEntries(fields.flatMap((field, i) => (i % 2 === 0 ? [[field, fields[i + 1]]] : [])));
}

test.skipIf(whyNoSmallDisk() !== undefined)(
  "each kind of rule is told by each way: raised once and over once, together for all nodes, and not for a muted node",
  { timeout: 240_000 },
  async () => {
    const directory = await tempDir();
    const [web, script, sendmail] = [await hook(), keeper(directory, "page"), keeper(directory, "sendmail")];
    const rule = { for: "0s", recover: "1s", to: WAYS };
    const ship = { config: { subscribe } };
    const fleet = await startFleet({
      nodes: {
        central: {
          config: {
            destinations: {
              hook: { post: web.url },
              script: { run: [script.program, "-v"] },
              office: { mail: ["office@example.org"], sendmail: [sendmail.program] },
              bus: { publish: "alerts.fleet" },
            },
            alerts: Object.fromEntries(Object.entries(RULES).map(([name, what]) => [name, { ...what, ...rule }])),
          },
        },
        ...{ ship1: ship, ship2: ship, ship3: { ...ship, disk: DISK }, ship4: ship, ship5: ship },
      },
      hello: "1s",
    });
    const { central } = fleet;
    const bus: Told[] = [];
    const nats = await connect({ servers: fleet.broker?.url ?? "" });
    atTestEnd(
      () => nats.close(),
      () => undefined,
    );
    nats.subscribe("alerts.fleet", { callback: (_, message) => void bus.push(message.json<Told>()) });
    await nats.flush();
    const told: Readonly<Record<(typeof WAYS)[number], () => readonly Told[]>> = {
      hook: () => web.posted,
      script: () => script.kept().map((text) => JSON.parse(text) as Told),
      office: () => sendmail.kept().map(letterOf),
      bus: () => bus,
    };
    /** What each way was told of each rule, in order. */
    const table = () =>
      Object.fromEntries(
        WAYS.map((way) => [
          way,
          Object.fromEntries(
            Object.keys(RULES).map((name) => [
              name,
              told[way]().flatMap(({ rule: of, state, text }) => (of === name ? [`${state}: ${text}`] : [])),
            ]),
          ),
        ]),
      );
    const everywhere = async (count: number): Promise<void> => {
      const look = async (): Promise<boolean> =>
        Object.values(table()).every((rules) => Object.values(rules).every((lines) => lines.length >= count));
      await eventuallySeen(`each rule is told ${count} times by each way`, look, 120_000);
    };

    await central.steward("mute", "ship2", "2d", "dry dock");
    const gate = join(directory, "gate");
    for (const name of ["ship1", "ship2", "ship5"]) await fleet.node(name).stop();
    await fleet.node("ship3").disk.fill();
    await central.steward("label", "ship4", "class=tanker");
    const job = await central.steward("run", "ship4", "--job", "--", "test", "-e", gate);
    expect(job.code).toBe(1);
    await everywhere(1);

    writeFileSync(gate, "");
    const { stdout } = await central.steward("jobs", "--json");
    const [{ id = "" } = {}] = JSON.parse(stdout) as { id: string }[];
    expect((await central.steward("job", "retry", id, "--failed")).code).toBe(0);
    await central.steward("label", "ship4", "class-");
    await fleet.node("ship3").disk.free();
    for (const name of ["ship1", "ship2", "ship5"]) await fleet.node(name).start();
    await everywhere(2);

    const lines = {
      away: ["raised: away: 2 nodes: ship1, ship5", "over: away: over: 2 nodes: ship1, ship5"],
      full: [
        expect.stringMatching(/^raised: full: the journal of ship3 is (low|full)$/),
        expect.stringMatching(/^over: full: over: /),
      ],
      faults: [
        expect.stringMatching(/^raised: faults: central: job-failed: /),
        expect.stringMatching(/^over: faults: over: /),
      ],
      tankers: [expect.stringMatching(/^raised: tankers: /), expect.stringMatching(/^over: tankers: over: /)],
    };
    expect(table()).toEqual(Object.fromEntries(WAYS.map((way) => [way, lines])));
    const all = Object.values(told).flatMap((list) => list());
    expect(all.filter(({ text }) => String(text).includes("ship2"))).toEqual([]);
    expect(sendmail.kept()[0]).toMatch(/^To: office@example\.org\nSubject: \[steward central\] /);
    await eventuallySeen("no errand waits", async () => (await central.api.errands()).length === 0);
  },
);
