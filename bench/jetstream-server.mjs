import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** The first version that can sync each write. */
const SYNCS_FROM = [2, 10];

/** A `nats-server` for JetStream: the one that STEWARD_BENCH_NATS_SERVER names, or a later Debian's, or the usual one. */
export function jetStreamServer() {
  const named = [process.env.STEWARD_BENCH_NATS_SERVER, process.env.STEWARD_NATS_SERVER, "nats-server"];
  for (const path of named.filter((name) => name !== undefined && name !== "")) {
    try {
      const [, version] = /v(\d+\.\d+\.\d+)/.exec(execFileSync(path, ["--version"], { encoding: "utf8" })) ?? [];
      const [major = 0, minor = 0] = (version ?? "").split(".").map(Number);
      if (version !== undefined)
        return { path, version, syncs: major > SYNCS_FROM[0] || (major === SYNCS_FROM[0] && minor >= SYNCS_FROM[1]) };
    } catch {
      // The next one is tried.
    }
  }
  return undefined;
}

/** A server with JetStream, as a process of its own. `synced`: each write is on the disk before it is acknowledged. */
export async function startJetStream(world, { path }, synced) {
  const directory = join(world.directory, synced ? "jetstream-synced" : "jetstream");
  await mkdir(directory, { recursive: true });
  const file = join(directory, "server.conf");
  const sync = synced ? "sync_interval: always" : "";
  await writeFile(file, `host: 127.0.0.1\nport: -1\njetstream { store_dir: "${directory}/store"\n ${sync} }\n`);
  const child = spawn(path, ["-c", file], { stdio: ["ignore", "ignore", "pipe"] });
  const ended = once(child, "exit");
  world.closing(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  let url = "";
  for await (const line of createInterface({ input: child.stderr })) {
    const [, address] = /Listening for client connections on (\S+)/.exec(line) ?? [];
    if (address !== undefined) url = `nats://${address}`;
    if (line.includes("Server is ready")) break;
  }
  child.stderr.resume();
  if (url === "") throw new Error("the server for JetStream did not start");
  return { url, pid: child.pid };
}
