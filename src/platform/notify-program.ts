import { type ChildProcess, spawn } from "node:child_process";
import type { Sender } from "./service-notice.ts";

/**
 * Sends to the service manager's socket through `systemd-notify`: the socket takes datagrams, which Node cannot send to a
 * Unix socket. A small shell stays beside the daemon and starts it for each line that it is given, since a daemon of some
 * hundred megabytes is slow to fork, and cannot when memory is short. The shell ends when its input does, so with the
 * daemon; when it was ended itself, the next line starts another.
 */
const RELAY = 'while IFS= read -r line; do systemd-notify "$line"; done';

export class NotifyProgram implements Sender {
  readonly #env: Record<string, string>;
  #shell: ChildProcess | undefined;

  /** `path`: where programs are looked for, as in PATH. */
  constructor(socket: string, path: string | undefined) {
    this.#env = { NOTIFY_SOCKET: socket, ...(path === undefined ? {} : { PATH: path }) };
  }

  send(assignment: string): void {
    this.#shell ??= this.#start();
    this.#shell.stdin?.write(`${assignment}\n`);
  }

  close(): void {
    this.#shell?.stdin?.end();
    this.#shell = undefined;
  }

  #start(): ChildProcess {
    // A complaint of systemd-notify belongs to the daemon's own words, which the manager keeps.
    const shell = spawn("/bin/sh", ["-c", RELAY], { stdio: ["pipe", "ignore", "inherit"], env: this.#env, cwd: "/" });
    const lost = (): void => {
      if (this.#shell === shell) this.#shell = undefined;
    };
    shell.once("error", lost);
    shell.once("exit", lost);
    shell.stdin?.on("error", lost);
    // Neither the shell nor its pipe keeps the daemon alive.
    shell.unref();
    (shell.stdin as { unref?: () => void } | null)?.unref?.();
    return shell;
  }
}
