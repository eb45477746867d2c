import { execFile } from "node:child_process";
import { access, constants, stat } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { StewardError } from "../message/errors.ts";
import { INSTALLATION } from "../platform/installation.ts";

/** A nats-server, searched in this order: STEWARD_NATS_SERVER, PATH, the cache of the project (`scripts/setup.mjs`). */
export interface ServerBinary {
  readonly path: string;
  /** `2.9.10` */
  readonly version: string;
}

/**
 * The first nats-server that runs. STEWARD_NATS_SERVER names the only candidate: a wrong name is not replaced in silence.
 * @throws StewardError `nats-server-missing`
 */
export async function findServerBinary(
  env: Readonly<Record<string, string | undefined>> = process.env,
  root: string = INSTALLATION,
): Promise<ServerBinary> {
  const named = env.STEWARD_NATS_SERVER;
  const onPath = (env.PATH ?? "").split(delimiter).filter((directory) => directory !== "");
  const candidates = named
    ? [named]
    : [
        ...onPath.map((directory) => join(directory, "nats-server")),
        join(root, ".cache", "nats-server", "nats-server"),
      ];
  for (const path of candidates) {
    if (!(await isProgram(path))) continue;
    const version = await versionOf(path);
    if (version !== undefined) return { path, version };
  }
  throw new StewardError("nats-server-missing", {}, { cause: new Error(`tried ${candidates.join(", ")}`) });
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

function versionOf(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(path, ["--version"], { timeout: 10_000 }, (error, stdout) => {
      resolve(error === null ? /v(\d+\.\d+\.\d+\S*)/.exec(stdout)?.[1] : undefined);
    });
  });
}
