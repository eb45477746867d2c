/**
 * Finds nats-server, or fetches it with the operating system's own packages into `.cache/nats-server`, without root and
 * without installing anything: `apt-get download` and `dpkg -x`. Where the machine's package lists are missing or too old
 * for that, fresh ones are fetched into the cache, from the machine's own sources, checked with its own keys.
 * The order of the search is that of src/broker/server-binary.ts; a test holds the two together.
 */
import { spawn } from "node:child_process";
import { accessSync, constants, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";

export function cachedNatsServer(root) {
  return join(root, ".cache", "nats-server", "nats-server");
}

/** `{path, version}` of the first of STEWARD_NATS_SERVER, PATH and the cache that runs. */
export async function findNatsServer(root, env = process.env) {
  const named = env.STEWARD_NATS_SERVER;
  const candidates = named
    ? [named]
    : [
        ...(env.PATH ?? "")
          .split(delimiter)
          .filter(Boolean)
          .map((directory) => join(directory, "nats-server")),
        cachedNatsServer(root),
      ];
  for (const path of candidates) {
    if (!isProgram(path)) continue;
    const version = await versionOf(path);
    if (version !== undefined) return { path, version };
  }
  return undefined;
}

/** `{path, version}`, or `{fault}`: what failed and what to do instead. */
export async function fetchNatsServer(root, say) {
  const elsewhere =
    "install it yourself (https://github.com/nats-io/nats-server/releases) and put it on PATH, or set STEWARD_NATS_SERVER to its path";
  if (process.env.STEWARD_NATS_SERVER) {
    return {
      fault: `STEWARD_NATS_SERVER=${process.env.STEWARD_NATS_SERVER} is not a nats-server that runs: correct or unset it`,
    };
  }
  if (process.platform === "darwin")
    return { fault: "no nats-server was found: `brew install nats-server` and try again" };
  if (!(await onPath("apt-get")) || !(await onPath("dpkg"))) {
    return { fault: `no nats-server was found and there is no apt-get here to fetch it with: ${elsewhere}` };
  }

  const cache = join(root, ".cache", "nats-server");
  mkdirSync(cache, { recursive: true });
  const room = mkdtempSync(join(cache, "fetch-"));
  try {
    const calm = [
      "-q",
      "-o",
      "Acquire::Retries=1",
      "-o",
      "Acquire::http::Timeout=20",
      ...(process.getuid?.() === 0 ? ["-o", "APT::Sandbox::User=root"] : []),
    ];
    let last = await run("apt-get", [...calm, "download", "nats-server"], room);
    if (last.code !== 0) {
      say("the package lists here do not give it: fetching lists of our own (about 10 MB, once)");
      const own = [...calm, "-o", `Dir::State::lists=${room}/lists`, "-o", `Dir::Cache=${room}/cache`];
      mkdirSync(join(room, "lists", "partial"), { recursive: true });
      mkdirSync(join(room, "cache", "archives", "partial"), { recursive: true });
      // One source that is out of reach must not spoil the others: only the download decides.
      const update = await run("apt-get", [...own, "update"], room);
      last = await run("apt-get", [...own, "download", "nats-server"], room);
      if (last.code !== 0) {
        const words = tail(`${update.output}\n${last.output}`);
        return {
          fault: `apt-get cannot fetch nats-server:\n${words}\ncheck the network and try again, or ${elsewhere}`,
        };
      }
    }
    const deb = readdirSync(room).find((name) => name.endsWith(".deb"));
    if (deb === undefined) return { fault: `apt-get left no package behind:\n${tail(last.output)}` };
    const unpacked = await run("dpkg", ["-x", deb, "unpacked"], room);
    if (unpacked.code !== 0) return { fault: `dpkg -x ${deb} failed (is the disk full?):\n${tail(unpacked.output)}` };
    const binary = join(room, "unpacked", "usr", "sbin", "nats-server");
    const version = await versionOf(binary);
    if (version === undefined) return { fault: `the nats-server of ${deb} does not run on this machine: ${elsewhere}` };
    renameSync(binary, cachedNatsServer(root));
    return { path: cachedNatsServer(root), version };
  } finally {
    rmSync(room, { recursive: true, force: true });
  }
}

export function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

async function versionOf(path) {
  const { code, output } = await run(path, ["--version"]);
  return code === 0 ? /v(\d+\.\d+\.\d+\S*)/.exec(output)?.[1] : undefined;
}

export async function onPath(program) {
  return (await run(program, ["--version"])).code === 0;
}

/** Runs to the end; `output` is stdout and stderr in plain English. */
export function run(command, args, cwd, env = process.env) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...env, LC_ALL: "C" },
    });
    let output = "";
    const take = (chunk) => {
      output += chunk;
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    child.once("error", (error) => resolve({ code: -1, output: error.message }));
    child.once("close", (code) => resolve({ code, output }));
  });
}

export function tail(output) {
  return (
    output
      .trim()
      .split("\n")
      .filter((line) => /^[EW]:|rror|ail/.test(line))
      .slice(-8)
      .join("\n") || output.trim().slice(-500)
  );
}
