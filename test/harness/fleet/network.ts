import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { atTestEnd } from "../temp.ts";

/**
 * A real network of two hosts, in network namespaces of their own with a cable between them: nothing of it is seen outside,
 * and it is gone with the two processes that hold it, whatever becomes of the test.
 */
export interface Network {
  /** Words before a program that is to run on the one side, or on the other. */
  readonly shore: readonly string[];
  readonly ship: readonly string[];
  /** The shore's address. */
  readonly address: string;
  /** The cable is out: what is sent vanishes, and nobody is told. */
  pull(): void;
  plug(): void;
  /** Impairs both ends of the cable as `tc qdisc … netem` does: `["delay", "300ms", "loss", "5%"]`. */
  netem(words: readonly string[]): void;
}

const SHORE = "10.99.0.1";
const SHIP = "10.99.0.2";

/** Why this machine cannot have one; `undefined` when it can. */
export function whyNoNetwork(): string | undefined {
  return tried("unshare", "--net", "ip", "link", "add", "probe0", "type", "veth", "peer", "name", "probe1");
}

/** Why this machine's kernel cannot impair one; `undefined` when it can. */
export function whyNoNetem(): string | undefined {
  return tried("unshare", "--net", "tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms");
}

export async function startNetwork(): Promise<Network> {
  const [shoreHost, shipHost] = await Promise.all([hold(), hold()]);
  const shore = within(shoreHost);
  const ship = within(shipHost);
  run([...shore, "ip", "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", `${shipHost.pid}`]);
  for (const [side, address] of [
    [shore, SHORE],
    [ship, SHIP],
  ] as const) {
    run([...side, "ip", "address", "add", `${address}/24`, "dev", "cable"]);
    for (const device of ["lo", "cable"]) run([...side, "ip", "link", "set", device, "up"]);
  }
  const cable = (state: "up" | "down"): void => run([...ship, "ip", "link", "set", "cable", state]);
  return {
    shore,
    ship,
    address: SHORE,
    pull: () => cable("down"),
    plug: () => cable("up"),
    netem: (words) => {
      for (const side of [shore, ship]) {
        run([...side, "tc", "qdisc", "replace", "dev", "cable", "root", "netem", ...words]);
      }
    },
  };
}

function within(host: ChildProcess): string[] {
  return ["nsenter", "--target", String(host.pid), "--net", "--"];
}

/** A process with a network of its own, which ends with its standard input: with whoever started it. */
function hold(): Promise<ChildProcess> {
  const host = spawn("unshare", ["--net", "sh", "-c", "echo there && exec cat"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const end = (): void => void host.kill("SIGKILL");
  atTestEnd(async () => end(), end);
  return new Promise((resolve, reject) => {
    host.once("error", reject);
    host.once("exit", (code) => reject(new Error(`no network namespace: ${code}`)));
    host.stdout.once("data", () => resolve(host));
  });
}

function run([program = "", ...words]: readonly string[]): void {
  execFileSync(program, words, { stdio: "pipe" });
}

function tried(...words: readonly string[]): string | undefined {
  try {
    run(words);
    return undefined;
  } catch (error) {
    const { stderr = "" } = error as { stderr?: Buffer | string };
    return `${words.slice(1).join(" ")}: ${String(stderr).trim() || String(error)}`;
  }
}
