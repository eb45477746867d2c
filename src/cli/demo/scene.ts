import { readdirSync } from "node:fs";
import { join } from "node:path";
import { faultText } from "../../message/errors.ts";
import type { Happening } from "../../message/happening.ts";
import { sleep } from "../../platform/sleep.ts";
import type { Cli } from "../cli.ts";
import type { Daemon } from "../daemon.ts";
import { type DaemonProcess, startDaemonProcess } from "./daemon-process.ts";
import { SHIPS, type Stage } from "./stage.ts";

/**
 * The daemons of the demo, and the events of central.
 *
 *   open ──stop──▶ stopping (edges, then central) ──▶ gone       a second interruption: at once
 *
 * Every wait ends also when it takes too long, when a daemon ends, and when the user interrupts.
 */
export class Interrupted extends Error {}

const PATIENCE = 60_000;
const ASK_AGAIN = 40;
const SAME_KEY = 300;
const COMMANDS_END_WITHIN = 10_000;
const RUNNERS_LEAVE_WITHIN = 5_000;
const NODES = ["central", ...SHIPS];

export class Scene {
  readonly #cli: Cli;
  readonly #stage: Stage;
  readonly #living = new Set<DaemonProcess>();
  readonly #interrupted = new AbortController();
  readonly #events = new AbortController();
  readonly #removers: (() => void)[] = [];
  readonly #checks = new Set<() => void>();
  #failure: Error | undefined;
  #onDeath: ((node: string) => void) | undefined;
  #stopping = false;
  #stream: Promise<void> = Promise.resolve();

  constructor(cli: Cli, stage: Stage) {
    this.#cli = cli;
    this.#stage = stage;
    let first: number | undefined;
    const interrupt = (): void => {
      const now = cli.io.clock.monotonic();
      first ??= now;
      // One Ctrl-C may come twice: from the terminal, and from npm, which passes it on.
      if (now - first > SAME_KEY) for (const daemon of this.#living) daemon.stopNow();
      this.#interrupted.abort();
      this.#check();
    };
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
      this.#removers.push(cli.io.signals.on(name, interrupt));
  }

  start(node: string): DaemonProcess {
    const { env, clock } = this.#cli.io;
    const { configOf, logOf } = this.#stage;
    const daemon = startDaemonProcess({ node, config: configOf(node), log: logOf(node), env, clock });
    this.#living.add(daemon);
    void daemon.ended.then((words) => {
      this.#living.delete(daemon);
      if (this.#stopping) return;
      if (this.#onDeath !== undefined) {
        this.#onDeath(node);
        return;
      }
      this.#failure ??= new Error(`the daemon of ${node} ended${words === "" ? "" : `:\n${words}`}`);
      this.#check();
    });
    return daemon;
  }

  /** Central's local API, once it answers. */
  async central(): Promise<Daemon> {
    const socket = join(this.#stage.directory, "central.sock");
    const daemon = await this.#cli.reach.connect(socket, this.#cli.io);
    let up = false;
    const ask = (): void => {
      daemon.health().then(
        ({ ok }) => {
          up = ok;
          if (ok) this.#check();
          else this.#cli.io.clock.setTimeout(ask, ASK_AGAIN);
        },
        () => {
          if (!this.#stopping) this.#cli.io.clock.setTimeout(ask, ASK_AGAIN);
        },
      );
    };
    ask();
    await this.until("central answers", () => up);
    return daemon;
  }

  /** Hands every event of central to `listener` from now on. */
  async watch(daemon: Daemon, listener: (happening: Happening) => void): Promise<void> {
    let open = false;
    const take = async (): Promise<void> => {
      const happenings = await daemon.watch({}, this.#events.signal);
      open = true;
      this.#check();
      for await (const happening of happenings) {
        if (happening.type !== "gap") listener(happening);
        this.#check();
      }
    };
    this.#stream = take().catch((thrown: unknown) => {
      if (this.#stopping) return;
      this.#failure ??= new Error(`central is not heard any more: ${faultText(thrown)}`);
      this.#check();
    });
    await this.until("central's events flow", () => open);
  }

  /** Resolves when `condition` holds, which is checked at every event. */
  async until(what: string, condition: () => boolean): Promise<void> {
    const { clock } = this.#cli.io;
    let timer: unknown;
    let check: () => void = () => undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        check = () => {
          if (this.#interrupted.signal.aborted) reject(new Interrupted());
          else if (this.#failure !== undefined) reject(this.#failure);
          else if (condition()) resolve();
        };
        this.#checks.add(check);
        timer = clock.setTimeout(() => reject(new Error(`not within ${PATIENCE / 1000} s: ${what}`)), PATIENCE);
        check();
      });
    } finally {
      clock.clearTimeout(timer);
      this.#checks.delete(check);
    }
  }

  async pause(ms: number): Promise<void> {
    let over = false;
    this.#cli.io.clock.setTimeout(() => {
      over = true;
      this.#check();
    }, ms);
    await this.until("time passes", () => over);
  }

  /** Resolves when the user interrupts; `onDeath` is called for a daemon that the user ends meanwhile. */
  async untilInterrupted(onDeath: (node: string) => void): Promise<void> {
    this.#onDeath = onDeath;
    await new Promise<void>((resolve) => {
      this.#checks.add(() => {
        if (this.#interrupted.signal.aborted) resolve();
      });
      this.#check();
    });
  }

  /** Ends every process that was started; resolves when all are gone. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all([...this.#living].map(({ node }) => this.#endCommands(node).catch(() => undefined)));
    await this.#stopAll(({ node }) => node !== "central");
    this.#events.abort();
    await this.#stream;
    await this.#stopAll(() => true);
    await this.#wait(RUNNERS_LEAVE_WITHIN, async () => NODES.every((node) => !this.#hasRunner(node)));
    for (const remove of this.#removers.splice(0)) remove();
  }

  async #stopAll(which: (daemon: DaemonProcess) => boolean): Promise<void> {
    await Promise.all([...this.#living].filter(which).map((daemon) => daemon.stop()));
  }

  /** Cancels the commands of a node, which would outlive its daemon. */
  async #endCommands(node: string): Promise<void> {
    const daemon = await this.#cli.reach.connect(join(this.#stage.directory, `${node}.sock`), this.#cli.io);
    await this.#wait(COMMANDS_END_WITHIN, async () => {
      const open = await daemon.messages({ direction: "in", open: true, method: "shellcommand" });
      for (const { id } of open) await daemon.cancel(id);
      return open.length === 0;
    });
  }

  /** True while the runner of a node lives: it has a pid file. */
  #hasRunner(node: string): boolean {
    try {
      return readdirSync(join(this.#stage.directory, node, "runs")).some((name) => /^runner.*\.pid$/.test(name));
    } catch {
      return false;
    }
  }

  async #wait(within: number, holds: () => Promise<boolean>): Promise<void> {
    const { clock } = this.#cli.io;
    const until = clock.monotonic() + within;
    while (!(await holds()) && clock.monotonic() < until) {
      await sleep(clock, ASK_AGAIN);
    }
  }

  #check(): void {
    for (const check of [...this.#checks]) check();
  }
}
