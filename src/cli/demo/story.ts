import type { LinkState } from "../../actors/node.ts";
import { EXIT } from "../../message/errors.ts";
import type { Happening } from "../../message/happening.ts";
import type { LogLine } from "../../runtime/operate/table/logs.ts";
import type { MessageDetail } from "../../runtime/operate/table/messages.ts";
import type { Cli } from "../cli.ts";
import type { Daemon } from "../daemon.ts";
import { nodeColumns } from "../render/fleet/nodes.ts";
import { logLine } from "../render/happening.ts";
import { messageTable } from "../render/messages.ts";
import { table } from "../render/table.ts";
import { bare, width } from "../render/text.ts";
import { cutTo } from "../render/width.ts";
import { openLogWriters } from "./log-writers.ts";
import type { Scene } from "./scene.ts";
import { Screen } from "./screen.ts";
import { inviteShips, SHIPS, type Stage } from "./stage.ts";

/**
 * The demo from top to bottom: the daemons start; a command goes to three ships, one of them away; logs come in; the third
 * ship comes up and gets its command; the state of the fleet; the claims.
 */
const SCRIPT = 'echo "$(uname -sr) at $(date +%T)"';
const REQUESTS = 6;
const BETWEEN_REQUESTS = 300;
const DOMAINS = ["nginx", "apache"] as const;

export async function play(cli: Cli, stage: Stage, scene: Scene, keep: boolean): Promise<number> {
  const screen = new Screen(cli);
  const links = new Map<string, LinkState>();
  const ended = new Map<string, string>();
  const stored = { nginx: 0, apache: 0 };
  const busy = new Set<string>();
  const take = (happening: Happening): void => {
    if (happening.type === "node" && happening.region === "link") links.set(happening.name, happening.to as LinkState);
    if (happening.type === "node" && happening.region === "work") {
      if (happening.to === "busy") busy.add(happening.name);
      else busy.delete(happening.name);
    }
    if (happening.type === "message" && happening.outcome !== undefined) ended.set(happening.id, happening.state);
    if (happening.type === "log") stored[happening.domain as "nginx" | "apache"] += happening.lines.length;
    screen.happening(happening);
  };

  screen.lines(
    screen.paint("bold", "steward demo"),
    "A management station and three edge nodes, on this machine. Each is a daemon of its own; a real nats-server carries.",
    "Each ship has a token, proves it when it comes up, and from then on everything between the nodes is sealed.",
  );
  screen.heading("1  central comes up with its broker, then ship1 and ship2");
  screen.block(
    ["central", ...SHIPS].map((node) =>
      screen.paint("dim", `steward up --config ${stage.configOf(node)}${node === "ship3" ? "   (later)" : ""}`),
    ),
  );
  scene.start("central");
  const central = await scene.central();
  screen.change("central", screen.paint("green", "● online"), `broker nats://127.0.0.1:${stage.brokerPort}`);
  await scene.watch(central, take);
  await inviteShips(central, stage);
  scene.start("ship1");
  scene.start("ship2");
  await scene.until(
    "ship1 and ship2 are online",
    () => links.get("ship1") === "online" && links.get("ship2") === "online",
  );

  screen.heading("2  A command for ship1, ship2 and ship3, which is away");
  screen.block([screen.paint("dim", `$ steward run ${SHIPS.join(",")} --script -- '${SCRIPT}'`)]);
  const accepted = await central.submit(
    SHIPS.map((ship) => ({
      subject: `${ship}.command.shellcommand.operatingsystem`,
      data: ["sh", "-c", SCRIPT],
      deliverBy: 3_600_000,
    })),
  );
  const idOf = (ship: string): string => accepted.find(({ node }) => node === ship)?.id ?? "";
  await scene.until("ship1 and ship2 have answered", () => ended.has(idOf("ship1")) && ended.has(idOf("ship2")));
  const waiting = await central.message(idOf("ship3"));
  screen.change(
    "ship3",
    screen.paint("cyan", "○ queued"),
    `${waiting.reason ?? waiting.state}; its command waits on disk for up to an hour`,
  );

  screen.heading("3  The logs of nginx (syslog, UDP) and apache (a file) on ship1 come in at central");
  const writers = openLogWriters(stage.syslogPort, stage.accessLog);
  try {
    for (let number = 0; number < REQUESTS; number++) {
      writers.request(cli.io.clock.now(), number);
      await scene.pause(BETWEEN_REQUESTS);
    }
    await scene
      .until("all lines are at central", () => DOMAINS.every((domain) => stored[domain] >= REQUESTS))
      .catch((thrown: unknown) => {
        // A datagram may be lost; the summary counts what is there.
        if (thrown instanceof Error && thrown.message.startsWith("not within")) return;
        throw thrown;
      });
  } finally {
    writers.close();
  }

  screen.heading("4  ship3 comes up");
  scene.start("ship3");
  await scene.until("ship3 has answered", () => ended.has(idOf("ship3")));
  await scene.until("all are idle", () => busy.size === 0);

  const lines = await central.logs({ lines: 1000 });
  await showFleet(cli, central, screen, lines);

  const details = await Promise.all(SHIPS.map((ship) => central.message(idOf(ship))));
  const faults = summary(screen, details, writers.written, lines);
  if (cli.json)
    cli.printJsonLine({
      type: "summary",
      ok: faults === 0,
      commands: details.length,
      lines: lines.length,
      ms: Math.round(screen.seconds * 1000),
    });
  next(screen, stage, keep);
  if (keep) await showLink(central, screen);
  if (!keep) screen.close();
  return faults === 0 ? EXIT.ok : EXIT.someFailed;
}

async function showFleet(cli: Cli, central: Daemon, screen: Screen, lines: readonly LogLine[]): Promise<void> {
  screen.heading("5  What central knows now");
  const times = cli.times(false);
  const { columns } = screen;
  const nodes = await central.nodes();
  const messages = [...(await central.messages({ direction: "out" }))].sort((a, b) => (a.id < b.id ? -1 : 1));
  screen.block([screen.paint("dim", "$ steward nodes"), ...table(nodes, nodeColumns(times, cli.out), columns)]);
  screen.block(["", screen.paint("dim", "$ steward messages"), ...messageTable(messages, times, cli.out, columns)]);
  screen.block(["", screen.paint("dim", "$ steward watch --no-follow --lines 2")]);
  for (const domain of [...DOMAINS].reverse()) {
    for (const { node, line } of lines.filter((one) => one.domain === domain).slice(-2)) {
      screen.block(
        [logLine(node, domain.padEnd(6), line, cli.out)].map((text) =>
          width(text) > columns ? cutTo(bare(text), columns) : text,
        ),
      );
    }
  }
}

/** Checks every claim against the journal and the stored logs; returns how many do not hold. */
function summary(
  screen: Screen,
  details: readonly MessageDetail[],
  written: { readonly nginx: readonly string[]; readonly apache: readonly string[] },
  lines: readonly LogLine[],
): number {
  screen.heading(`Shown in ${screen.seconds.toFixed(0)} s`);
  let faults = 0;
  const claim = (holds: boolean, text: string): void => {
    if (!holds) faults++;
    screen.block([`${holds ? screen.paint("green", "✓") : screen.paint("red", "✗")} ${text}`]);
  };
  const succeeded = details.filter(({ state }) => state === "succeeded").length;
  claim(
    succeeded === details.length,
    `${succeeded} of ${details.length} commands succeeded, each with its output and its history`,
  );
  const late = details.at(-1);
  const waited = (late?.outcome?.startedAt ?? late?.createdAt ?? 0) - (late?.createdAt ?? 0);
  claim(
    late?.state === "succeeded",
    `ship3 was away: its command waited ${(waited / 1000).toFixed(1)} s and ran when it came`,
  );
  for (const domain of DOMAINS) {
    const expected = written[domain];
    const there = lines.filter((one) => one.domain === domain).map(({ line }) => line);
    const inOrder = there.length === expected.length && there.every((line, i) => line.endsWith(expected[i] ?? ""));
    claim(
      inOrder,
      `${there.length} of ${expected.length} lines of ${domain} arrived, ${inOrder ? "in order" : "not all in order"}: central.event.syslogforwarding.${domain}`,
    );
  }
  return faults;
}

/** The page as the last lines, so that the link is at hand. */
async function showLink(central: Daemon, screen: Screen): Promise<void> {
  const { url } = await central.openPage();
  screen.heading("The fleet in a browser");
  screen.block([`${url}   ${screen.paint("dim", "# good once; another: ./bin/steward open")}`]);
}

function next(screen: Screen, stage: Stage, keep: boolean): void {
  screen.heading("What to type next");
  const rows: (readonly [string, string])[] = keep
    ? [
        [`export STEWARD_CONFIG=${stage.configOf("central")}`, "in another terminal, in this directory"],
        ["./bin/steward nodes", "the fleet"],
        ["./bin/steward run all -- uname -a", "a command on every edge node"],
        ["./bin/steward messages", "every message and its state"],
        ["./bin/steward watch --all", "what happens, as it happens"],
        ["./bin/steward ps ship1", "the processes on ship1"],
        ...(process.platform === "linux"
          ? [[`logger -n 127.0.0.1 -P ${stage.syslogPort} -d hello`, "a line for ship1's nginx log"] as const]
          : []),
      ]
    : [
        ["npm run demo -- --keep", "the same, left running to play with"],
        ["./bin/steward init && ./bin/steward up", "a management station of your own"],
        ["./bin/steward --help", "all commands"],
      ];
  const column = Math.max(...rows.map(([command]) => command.length));
  screen.block(rows.map(([command, what]) => `${command.padEnd(column)}  ${screen.paint("dim", `# ${what}`)}`));
}
