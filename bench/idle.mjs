import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { LINK_PROFILES } from "../dist/config/link-profiles.js";

/**
 * The bill of an idle edge: bytes on its wire, headers included, both ways, counted by the kernel at a network namespace of
 * its own (root and iproute2 are needed); CPU and writes to disk of its daemon. Hellos and pings come `--speed` times as
 * often as the profile says, so that minutes stand for hours; bytes are given for a month of 30 days at the profile's pace.
 */
const { values } = parseArgs({
  options: {
    link: { type: "string", default: "satellite" },
    speed: { type: "string", default: "100" },
    seconds: { type: "string", default: "60" },
    json: { type: "boolean", default: false },
  },
});
const MONTH = 30 * 86_400;
const ETHERNET_HEADER = 14;
const [speed, seconds] = [Number(values.speed), Number(values.seconds)];
const profile = LINK_PROFILES[values.link];
if (profile === undefined) throw new Error(`--link is one of ${Object.keys(LINK_PROFILES).join(", ")}`);
const MAIN = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));
const id = process.pid % 250;
const names = { netns: `steward-${process.pid}`, ours: `stw${process.pid}`, theirs: "ship" };
const central = `10.213.${id}.1`;
const port = 20_000 + (process.pid % 10_000);
const directory = await mkdtemp(join(tmpdir(), "steward-idle-"));
const children = [];

function run(program, ...args) {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr}`);
  return stdout;
}

const fileOf = (node) => join(directory, `${node}.yaml`);

async function configure(node, config) {
  const log = { level: "warn" };
  const text = JSON.stringify({ node, data: `./${node}`, log, hello: `${profile.hello / speed}ms`, ...config });
  await writeFile(fileOf(node), text);
}

function start(node, ...within) {
  const file = fileOf(node);
  const [program, ...args] = [...within, process.execPath, MAIN, "up", "--config", file];
  const child = spawn(program, args, { stdio: ["ignore", "inherit", "inherit"] });
  children.push({ child, ended: once(child, "exit") });
  return child;
}

const steward = (node, ...words) => run(process.execPath, MAIN, "--config", fileOf(node), ...words);

/** Resolves once `look` does not throw any more: a bill of a node that was never let in would be a false one. */
async function heard(look) {
  for (let left = 60; ; left--) {
    try {
      return look();
    } catch (error) {
      if (left === 0) throw error;
      await wait(500);
    }
  }
}

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function reading(pid) {
  const count = async (what) => Number(await readFile(`/sys/class/net/${names.ours}/statistics/${what}`, "utf8"));
  const [rx, tx, rxPackets, txPackets] = await Promise.all(
    ["rx_bytes", "tx_bytes", "rx_packets", "tx_packets"].map(count),
  );
  const stat = (await readFile(`/proc/${pid}/stat`, "utf8")).split(") ")[1].split(" ");
  const io = /^write_bytes: (\d+)/m.exec(await readFile(`/proc/${pid}/io`, "utf8"));
  return {
    bytes: rx + tx - ETHERNET_HEADER * (rxPackets + txPackets),
    packets: rxPackets + txPackets,
    cpu: (Number(stat[11]) + Number(stat[12])) / 100,
    written: Number(io[1]),
  };
}

try {
  run("ip", "netns", "add", names.netns);
  run("ip", "link", "add", names.ours, "type", "veth", "peer", "name", names.theirs, "netns", names.netns);
  // The neighbour protocols of IPv4 and IPv6 are not part of the bill.
  const macOf = (text) => /link\/ether (\S+)/.exec(text)[1];
  const ourMac = macOf(run("ip", "link", "show", names.ours));
  const theirMac = macOf(run("ip", "-n", names.netns, "link", "show", names.theirs));
  run("sysctl", "-q", `net.ipv6.conf.${names.ours}.disable_ipv6=1`);
  run("ip", "netns", "exec", names.netns, "sysctl", "-q", "net.ipv6.conf.all.disable_ipv6=1");
  run("ip", "addr", "add", `${central}/24`, "dev", names.ours);
  run("ip", "link", "set", names.ours, "up");
  run("ip", "-n", names.netns, "addr", "add", `10.213.${id}.2/24`, "dev", names.theirs);
  run("ip", "-n", names.netns, "link", "set", names.theirs, "up");
  run("ip", "neigh", "replace", `10.213.${id}.2`, "lladdr", theirMac, "dev", names.ours, "nud", "permanent");
  run("ip", "-n", names.netns, "neigh", "replace", central, "lladdr", ourMac, "dev", names.theirs, "nud", "permanent");
  await configure("central", { broker: { embedded: { host: central, port } } });
  await configure("ship1", {
    central: "central",
    link: values.link,
    broker: { servers: [`nats://${central}:${port}`] },
    subscribe: [{ subject: "command.shellcommand.operatingsystem" }],
  });
  start("central");
  await heard(() => steward("central", "nodes"));
  const token = steward("central", "invite", "ship1").trim();
  run("ip", "netns", "exec", names.netns, process.execPath, MAIN, "join", token, "--config", fileOf("ship1"));
  const edge = start("ship1", "ip", "netns", "exec", names.netns);
  await heard(() => {
    const { link } = JSON.parse(steward("central", "node", "ship1", "--json"));
    if (link !== "online") throw new Error(`ship1 is ${link}`);
  });
  await wait(10_000);
  const from = await reading(edge.pid);
  await wait(seconds * 1000);
  const to = await reading(edge.pid);
  const share = MONTH / (seconds * speed);
  const row = {
    bench: "idle",
    link: values.link,
    megabytesAMonth: Number((((to.bytes - from.bytes) * share) / 1e6).toFixed(2)),
    packetsAMonth: Math.round((to.packets - from.packets) * share),
    cpuPercent: Number((((to.cpu - from.cpu) / seconds) * 100).toFixed(2)),
    writtenKilobytes: (to.written - from.written) / 1024,
    seconds,
    speed,
  };
  console.log(values.json ? JSON.stringify(row) : row);
} finally {
  for (const { child } of children.reverse()) child.kill("SIGTERM");
  await Promise.all(children.map(({ ended }) => ended));
  spawnSync("ip", ["link", "del", names.ours]);
  spawnSync("ip", ["netns", "del", names.netns]);
  await rm(directory, { recursive: true, force: true });
}
