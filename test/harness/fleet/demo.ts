import { readdirSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { findServerBinary } from "../../../src/broker/server-binary.ts";
import { built } from "../built.ts";
import { commandLine, end, MARK, markedProcesses } from "../leftovers.ts";
import { atTestEnd, tempDir } from "../temp.ts";
import { Program, type ProgramEnd } from "./program.ts";

/** The demo as a real process, in surroundings of its own. */
export class Demo {
  readonly program: Program;
  readonly #main: string;
  readonly #temp: string;
  readonly #env: NodeJS.ProcessEnv;

  constructor(main: string, temp: string, env: NodeJS.ProcessEnv, args: readonly string[]) {
    this.#main = main;
    this.#temp = temp;
    this.#env = env;
    this.program = new Program(process.execPath, [main, "demo", ...args], { cwd: temp, env });
  }

  steward(...args: readonly string[]): Promise<ProgramEnd> {
    return this.begin(...args).within(20_000);
  }

  /** A program of steward's beside the demo, which its end takes along. */
  begin(...args: readonly string[]): Program {
    return new Program(process.execPath, [this.#main, ...args], { cwd: this.#temp, env: this.#env });
  }

  /** Number of the process that runs a node. */
  daemonOf(node: string): number | undefined {
    return this.processes().find((pid) => commandLine(pid).includes(`${node}.yaml`));
  }

  processes(): readonly number[] {
    return markedProcesses(this.#temp);
  }

  files(): readonly string[] {
    return readdirSync(this.#temp);
  }
}

export async function startDemo(args: readonly string[] = [], more: NodeJS.ProcessEnv = {}): Promise<Demo> {
  const { main } = await built();
  const { path } = await findServerBinary();
  const directory = await tempDir();
  const temp = join(directory, "t");
  await mkdir(temp);
  const endAll = (): void => markedProcesses(temp).forEach(end);
  atTestEnd(async () => endAll(), endAll);
  const env = { PATH: process.env.PATH, HOME: temp, TMPDIR: temp, STEWARD_NATS_SERVER: path, [MARK]: temp, ...more };
  return new Demo(main, temp, env, args);
}
