import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Channel, connectRunner } from "./channel.ts";
import { commandEnvironment } from "./command-environment.ts";
import { type LaunchOptions, reachRunner } from "./launch.ts";
import { type FromRunner, PROTOCOL_VERSION, runnerFile, versionOfSocket } from "./protocol.ts";

/**
 * The daemon's connections to the runners of one directory: to the one of its own version, which starts programs, and to
 * those of other versions, which another daemon left behind: they keep what they have until it has ended.
 */
export interface RunnersOptions extends LaunchOptions {
  readonly hear: (message: FromRunner, channel: Channel) => void;
  readonly lost: (channel: Channel) => void;
}

export class Runners {
  readonly #options: RunnersOptions;
  readonly #channels = new Map<number, Channel>();
  /** The names that the runner was told to keep from commands. */
  #withheld = "";
  #connecting: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(options: RunnersOptions) {
    this.#options = options;
  }

  /** The one that starts programs, as long as there is a connection. */
  get current(): Channel | undefined {
    return this.#channels.get(PROTOCOL_VERSION);
  }

  /** The one that starts programs; without `mayLaunch`, `undefined` when it is not there. @throws StewardError `runner-lost` */
  reach(mayLaunch: boolean): Promise<Channel | undefined> {
    return this.#inTurn(async () => {
      if (this.#closed) return this.current;
      if (this.current !== undefined) {
        // A configuration that was read again may name other secrets.
        if (this.#options.withheld().join() !== this.#withheld) this.#greet(this.current);
        return this.current;
      }
      const { directory, clock } = this.#options;
      const channel = mayLaunch ? await reachRunner(this.#options) : await connectRunner(directory, clock);
      if (channel === undefined) return undefined;
      this.#greet(channel);
      return this.#keep(channel);
    });
  }

  /**
   * The connections to runners of other versions that are there. @throws StewardError `runner-lost` when one does not
   * answer.
   */
  others(): Promise<readonly Channel[]> {
    return this.#inTurn(async () => {
      const { directory, clock } = this.#options;
      const found: Channel[] = [];
      for (const version of this.#closed ? [] : otherVersions(directory)) {
        const channel = this.#channels.get(version) ?? (await connectRunner(directory, clock, version));
        if (channel !== undefined) found.push(this.#channels.has(version) ? channel : this.#keep(channel));
        // A name behind which no runner answers is that of one that died without removing it.
        else rmSync(join(directory, runnerFile("sock", version)), { force: true });
      }
      return found;
    });
  }

  /** Lets go of a runner that is not needed any more, so that it may leave. The one that starts programs is kept. */
  release(channel: Channel): void {
    if (channel === this.current || this.#channels.get(channel.version) !== channel) return;
    this.#channels.delete(channel.version);
    void channel.close();
  }

  /** Ends the connection to the one that starts programs, if it is not needed then; true when there is none any more. */
  letGo(isIdle: () => boolean): Promise<boolean> {
    return this.#inTurn(async () => {
      const channel = this.current;
      if (channel === undefined) return true;
      if (!isIdle()) return false;
      this.#channels.delete(channel.version);
      await channel.close();
      return true;
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#connecting;
    const channels = [...this.#channels.values()];
    this.#channels.clear();
    await Promise.all(channels.map((channel) => channel.close()));
  }

  /** Says where commands start from, and with which environment and mask of modes. */
  #greet(channel: Channel): void {
    const withheld = this.#options.withheld();
    this.#withheld = withheld.join();
    const env = commandEnvironment(process.env, withheld);
    const { umask } = this.#options;
    const mask = umask === undefined ? {} : { umask };
    channel.send({ type: "hello", version: PROTOCOL_VERSION, env, cwd: standing(), ...mask });
  }

  #keep(channel: Channel): Channel {
    this.#channels.set(channel.version, channel);
    channel.listen(
      (message) => this.#options.hear(message, channel),
      () => {
        if (this.#channels.get(channel.version) === channel) this.#channels.delete(channel.version);
        this.#options.lost(channel);
      },
    );
    return channel;
  }

  /** Connections are made one at a time, so that there is one to each runner. */
  #inTurn<T>(connect: () => Promise<T>): Promise<T> {
    const attempt = this.#connecting.then(connect);
    this.#connecting = attempt.catch(() => undefined);
    return attempt;
  }
}

function otherVersions(directory: string): number[] {
  try {
    return readdirSync(directory).flatMap((name) => {
      const version = versionOfSocket(name);
      return version === undefined || version === PROTOCOL_VERSION ? [] : [version];
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** Where this daemon stands. A directory that was removed is no place to start from. */
function standing(): string {
  try {
    return process.cwd();
  } catch {
    return "/";
  }
}
