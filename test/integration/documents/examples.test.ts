import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { parse } from "yaml";
import { eventuallySeen } from "../../harness/eventually.ts";
import { type Fleet, startFleet } from "../../harness/fleet/fleet.ts";
import { Program, type ProgramEnd } from "../../harness/fleet/program.ts";
import { tempDir } from "../../harness/temp.ts";

// Twelve real daemons, on a machine that may be busy.
vi.setConfig({ testTimeout: 900_000 });

/** What a line of a document does: `leave`: it follows something that goes on, and is left with Ctrl-C. */
interface Promise_ {
  readonly code?: readonly number[];
  readonly says?: RegExp | readonly RegExp[];
  readonly leave?: true;
}

const ROOT = new URL("../../../", import.meta.url);
/** Programs that a document names and that must not be those of this machine. */
const FAKES = ["systemctl", "apt-get", "uptime", "df", "page", "sendmail", "pack-logs", "upgrade"];
const AWAY = ["ship5", "tug2"];
/** A zone in which it is noon: no window of the night opens while the examples run, whenever that is. Its names count the other way. */
const toNoon = 12 - new Date().getUTCHours();
const TZ = `Etc/GMT${toNoon < 0 ? "+" : "-"}${Math.abs(toNoon)}`;
const isFriday = new Intl.DateTimeFormat("en", { weekday: "short", timeZone: TZ }).format() === "Fri";
const done = { code: [0] } as const;
/** Some of the nodes are away: their commands wait. */
const waits = { code: [3], says: /queued/ } as const;
const held = { code: [0], says: /HELD/ } as const;

/** Each line of the documents, in their order, and what comes of it in the fleet below. */
const LINES: Readonly<Record<string, readonly (readonly [line: string, promise: Promise_])[]>> = {
  "docs/targets.md": [
    ["steward run ship1 -- uptime", { code: [0], says: /up 1 day/ }],
    ["steward run ship1,ship2 -- uptime", { code: [0], says: /2 messages: ✓ 2 succeeded/ }],
    ["steward run 'ship*' -- uptime", { ...waits, says: /ship\* means 6 nodes, 1 of them away/ }],
    ["steward run all -- uptime", { ...waits, says: /all means 11 nodes, 2 of them away/ }],
    ["steward run @north -- uptime", { ...waits, says: /@north means 3 nodes, 1 of them away: ship1, ship2, ship5/ }],
    ["steward run 'class=tanker and not site=rotterdam' -- uptime", { code: [0], says: /means 2 nodes: ship1, ship3/ }],
    // The host of the test decides which of the two it is.
    ["steward run 'os=debian and os.version<12 and online' -- uptime", { code: [0, 2], says: /means/ }],
    ["steward run 'disk.*.full>90' -- df -h", { code: [0, 2, 3], says: /means/ }],
    ["steward run '(tug1, @north) and away' --dry-run -- uptime", { code: [0], says: /^ship5$/m }],
    ["steward label ship1 class=tanker site=rotterdam", done],
    ["steward label 'ship*' fleet=north", done],
    ["steward label ship1 class-", done],
    ["steward label ship1", { code: [0], says: [/site +rotterdam +central/, /fleet +north +central/] }],
    ["steward nodes --filter 'class=tanker and away'", { code: [0], says: /ship5/ }],
    [
      "steward nodes --columns node,link,labels,os,os.version,uptime --sort -uptime",
      { code: [0], says: /OS\.VERSION/ },
    ],
    ["steward nodes --filter 'disk.*.full>90' --json", { code: [0], says: /\[/ }],
  ],
  "docs/jobs.md": [
    [
      "steward run 'class=tanker' --waves 1,10%,50%,100% --soak 5m --max failed=2:abort -- systemctl restart nginx",
      { leave: true, says: /job \w+ over 4 nodes/ },
    ],
    [
      "steward run all --at 'tomorrow 02:00' --window 02:00-04:00 --tz node --until 'friday 18:00' -- apt-get -y upgrade",
      isFriday ? { code: [2], says: /until: / } : { leave: true, says: /job \w+ over 11 nodes/ },
    ],
    ["steward job 01M8", { code: [0, 3], says: /scheduled|running/ }],
    // Nothing has paused it.
    ["steward job resume 01M8", { code: [1, 2], says: /is (scheduled|running)|cannot be/ }],
    [
      "steward run class=tanker --waves 5,100% --max failed=2:abort --window 02:00-04:00 --tz node --until 'friday 18:00' -- systemctl restart nginx",
      isFriday ? { code: [0, 1, 2, 3], says: /window|job/ } : { leave: true, says: /job \w+ over 4 nodes/ },
    ],
  ],
  "docs/maintenance.md": [
    ['steward hold ship1 --until "tomorrow 06:00" --note "dry dock"', { ...held, says: /ship1 .*dry dock/ }],
    ["steward hold 'class=tanker and site=rotterdam'", held],
    ["steward hold", held],
    ["steward unhold ship1", { code: [0], says: /ship1/ }],
  ],
  "docs/alerts.md": [
    ['steward mute ship1 2d "dry dock"', { code: [0], says: /ship1 .*dry dock/ }],
    ["steward mute 'site=rotterdam' \"tomorrow 06:00\"", { code: [0], says: /MUTED/ }],
    ["steward mute", { code: [0], says: /ship1/ }],
    ["steward unmute ship1", { code: [0], says: /ship1/ }],
  ],
  "docs/schedules.md": [
    [
      "steward schedule ship1 uptime --every 'every day at 02:00' --missed once --note 'for the report' -- uptime",
      { code: [0], says: /succeeded/ },
    ],
    ["steward schedules", { code: [0], says: /ship1 +uptime +waiting/ }],
    ["steward schedules ship1 uptime", { code: [0], says: /every day at 02:00/ }],
    ["steward schedule ship1 uptime --pause", { code: [0], says: /succeeded/ }],
    ["steward schedule ship1 uptime --resume", { code: [0], says: /succeeded/ }],
    ["steward schedule ship1 uptime --remove", { code: [0], says: /succeeded/ }],
  ],
  "README.md": [
    ["steward label ship1 class=tanker", done],
    ["steward run 'class=tanker and not site=rotterdam' --dry-run -- uptime", { code: [0], says: /^ship3$/m }],
    ["steward may central ship1 command.shellcommand.operatingsystem -- uptime", { code: [0], says: /yes|may/ }],
    [
      "steward run 'ship*' --waves 1,100% --soak 2s -- sh -c 'echo kernel 6'",
      { leave: true, says: [/ship\* means 6 nodes/, /job \w+ over 6 nodes/] },
    ],
    ["steward hold ship2 --until 'tomorrow 06:00' --note 'dry dock' --yes", { ...held, says: /ship2 .*dry dock/ }],
    ["steward run ship2 --no-wait -- uname", { code: [0], says: /no message goes to ship2 now: maintenance until/ }],
    ["steward queue ship2", { code: [0], says: /held .*uname +maintenance until/ }],
  ],
};

/** Documents of which a part alone is typed, from one sentence to another; the rest is tried elsewhere, in fleets of its own. */
const PARTS: Readonly<Record<string, readonly [from: string, to: string]>> = {
  "README.md": ["Command nodes by what they are", "`steward open` prints a link"],
};

/** The command lines of a document's blocks of shell, and those typed in its consoles, without their comments. */
function linesOf(path: string): string[] {
  const text = readFileSync(new URL(path, ROOT), "utf8");
  const [from, to] = (PARTS[path] ?? []).map((sentence) => text.indexOf(sentence));
  return [...text.slice(from, to).matchAll(/^```(?:sh|console)\n(.*?)^```/gms)]
    .flatMap(([, block = ""]) => block.split("\n"))
    .map((line) => line.replace(/^\$ /, ""))
    .filter((line) => line.startsWith("steward "))
    .map((line) => line.replace(/\s+#\s.*$/, ""));
}

/** The first block of YAML of a document that has this key. */
function yamlOf(path: string, key: string, replace: Readonly<Record<string, string>>): Record<string, unknown> {
  let text = readFileSync(new URL(path, ROOT), "utf8");
  for (const [from, to] of Object.entries(replace)) text = text.replaceAll(from, to);
  const blocks = [...text.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, block = ""]) => parse(block) as object);
  return blocks.find((block) => key in block) as Record<string, unknown>;
}

/** Programs of the names above, each of which writes down how it was called. */
async function fakes(): Promise<{ readonly bin: string; readonly calls: () => string }> {
  const bin = await tempDir();
  const log = join(bin, "calls.log");
  writeFileSync(log, "");
  for (const name of FAKES) {
    const said = name === "uptime" ? "echo ' up 1 day'" : "true";
    writeFileSync(
      join(bin, name),
      `#!/bin/sh\necho "${name} $*" >> ${log}\ncat > /dev/null <&0 2>/dev/null || true\n${said}\n`,
    );
    chmodSync(join(bin, name), 0o755);
  }
  return { bin, calls: () => readFileSync(log, "utf8") };
}

/** A web address that takes what is posted. */
async function webhook(): Promise<{ readonly url: string; readonly posted: string[] }> {
  const posted: string[] = [];
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (part) => {
      text += part;
    });
    request.on("end", () => {
      posted.push(text);
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => new Promise<void>((resolve) => void server.close(() => resolve())));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, posted };
}

function typed(fleet: Fleet, bin: string, line: string): Program {
  const { main, config } = fleet.central.line;
  const wrapper = join(bin, "steward");
  writeFileSync(wrapper, `#!/bin/sh\nexec ${process.execPath} ${main} --config ${config} "$@"\n`);
  chmodSync(wrapper, 0o755);
  return new Program("/bin/sh", ["-c", `exec ${line}`], {
    cwd: join(fleet.directory, "desk"),
    env: { ...fleet.central.line.env, PATH: `${bin}:${process.env.PATH}`, TZ },
  });
}

async function outcome(program: Program, { leave }: Promise_): Promise<ProgramEnd> {
  if (leave !== true) return await program.within(120_000);
  await eventuallySeen("the job was ordered", () => Promise.resolve(/job \w+ over/.test(program.stderr)), 60_000);
  return await program.end("SIGINT");
}

test("each example of the documents does in a fleet of twelve daemons what is said of it", async () => {
  const { bin, calls } = await fakes();
  const { url, posted } = await webhook();
  const env = { PATH: `${bin}:${process.env.PATH}`, TZ };
  const node = (labels: Record<string, string>) => ({ config: { labels }, env });
  const replaced = {
    "https://example.org/hook": url,
    ", tokenFile: ./hook.token": "",
    "/usr/local/bin/page": join(bin, "page"),
    "[office@example.org]}": `[office@example.org], sendmail: [${join(bin, "sendmail")}]}`,
  };
  const config = { ...yamlOf("docs/targets.md", "groups", {}), ...yamlOf("docs/alerts.md", "destinations", replaced) };
  const fleet = await startFleet({
    hello: "2s",
    nodes: {
      central: { config, env },
      ship1: node({ class: "tanker", site: "hamburg" }),
      ship2: node({ class: "tanker", site: "rotterdam" }),
      ship3: node({ class: "tanker", site: "bergen" }),
      ship4: node({ class: "ferry", site: "bergen" }),
      ship5: node({ class: "tanker", site: "rotterdam" }),
      ship6: node({ class: "ferry" }),
      tug1: node({ class: "tug" }),
      tug2: node({ class: "tug" }),
      tug3: node({ class: "tug" }),
      box1: node({}),
      box2: node({}),
    },
  });
  const facts = async () => (await fleet.central.api.nodes({ filter: "os=*" })).length >= 11;
  await eventuallySeen("the facts of all", facts, 60_000);
  // No example may reach a program of this machine.
  const found = await fleet.steward("run", "all", "--", "sh", "-c", "command -v systemctl; command -v apt-get");
  const paths = found.stdout.split("\n").filter((line) => line.includes("│"));
  expect(paths.length).toBe(22);
  for (const path of paths) expect(path).toContain(`│ ${bin}/`);
  for (const name of AWAY) await fleet.node(name).stop();
  for (const name of AWAY) await fleet.link(name, "offline", 60_000);

  const ids: string[] = [];
  for (const [document, lines] of Object.entries(LINES)) {
    expect(
      lines.map(([line]) => line),
      `${document}: each example has its line here`,
    ).toEqual(linesOf(document));
    for (const [line, promise] of lines) {
      const end = await outcome(typed(fleet, bin, line.replace("01M8", ids.at(-1) ?? "01M8")), promise);
      const said = `${end.stdout}\n${end.stderr}`;
      ids.push(...[...said.matchAll(/job (\w+) over/g)].map(([, id = ""]) => id));
      const what = `${document}: ${line}\n${said}`;
      if (promise.leave === true) expect(said, what).toContain("steward job ");
      else expect(promise.code, what).toContain(end.code);
      for (const pattern of [promise.says ?? []].flat()) expect(said, what).toMatch(pattern);
    }
  }

  // A destination of each kind hears of a test.
  const tested = await fleet.steward("alerts", "test");
  expect(tested.code).toBe(0);
  await eventuallySeen(
    "the letter and the post",
    async () => posted.length > 0 && calls().includes("sendmail"),
    60_000,
  );
  const replied = await fleet.steward("run", "tug1", "--reply", "log", "--reply", "script", "--", "uptime");
  expect(replied.code).toBe(0);
  await eventuallySeen("the page was called", async () => calls().includes("page -v"), 60_000);
  // The canary of the first job alone has had its turn: the pause after it is five minutes.
  expect(
    calls()
      .split("\n")
      .filter((line) => line === "systemctl restart nginx"),
  ).toHaveLength(1);
  expect(calls()).not.toContain("apt-get");
});
