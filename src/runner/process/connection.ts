import type { Socket } from "node:net";
import type { RunSpec } from "../../methods/spawner.ts";
import {
  encodeLine,
  type FromRunner,
  LineReader,
  PROTOCOL_VERSION,
  readToRunner,
  requestIn,
  type ToRunner,
} from "../protocol.ts";
import type { RunListener } from "./audience.ts";
import type { Recording } from "./recording.ts";

/** The runner as a connection sees it. */
export interface ConnectionHost {
  readonly pid: number;
  /** False when the id was started before and is not alive. */
  start(spec: RunSpec, listener: RunListener, startBy?: number): boolean;
  find(id: string): Recording | undefined;
  /** @throws when the disk takes no proof */
  prepare(id: string): void;
  /** @throws when the record cannot be removed */
  forget(id: string): void;
  log(text: string): void;
  closed(): void;
}

/**
 * The runner's end of one daemon: greeted ─▶ understood ─▶ closed.
 *
 * A first message that is no hello of this version ends the connection. A later bad request is answered as what it
 * seems to be about, in words that daemons of every version know, and harms no other: many runs hang on one connection.
 */
export class Connection {
  env: Record<string, string> = {};
  cwd = "/";
  umask: number | undefined;
  readonly #socket: Socket;
  readonly #host: ConnectionHost;
  readonly #lines = new LineReader();
  readonly #listeners = new Map<string, RunListener>();
  #understood = false;

  constructor(socket: Socket, host: ConnectionHost) {
    this.#socket = socket;
    this.#host = host;
    socket.on("data", (chunk) => this.#read(chunk));
    socket.on("error", (error) => host.log(`connection: ${error.message}`));
    socket.once("close", () => {
      for (const [id, listener] of this.#listeners) host.find(id)?.leave(listener);
      this.#listeners.clear();
      host.closed();
    });
    this.#send({ type: "hello", version: PROTOCOL_VERSION, pid: host.pid });
  }

  #read(chunk: Buffer): void {
    for (const line of this.#lines.push(chunk)) {
      try {
        this.#take(readToRunner(line));
      } catch (error) {
        if (this.#understood) this.#refuse(line, error);
        else {
          this.#host.log(`connection ended for what it sent: ${String(error)}`);
          this.#socket.destroy();
          return;
        }
      }
    }
  }

  #refuse(line: string, error: unknown): void {
    const { type, id } = requestIn(line);
    this.#host.log(`refused ${type ?? "a line"}${id === undefined ? "" : ` of ${id}`}: ${String(error)}`);
    if (id === undefined) return;
    if (type === "prepare") this.#send({ type: "prepared", id, fault: String(error) });
    if (type === "forget") this.#send({ type: "forgotten", id, fault: String(error) });
    if (type === "adopt") this.#notHere(id);
    // A run that is alive has its own end.
    if (type !== "start" || this.#host.find(id) !== undefined) return;
    this.#listeners.delete(id);
    this.#send({ type: "started", id, pid: 0 });
    const end = { kind: "notStarted", code: "EINVAL", message: `the runner refused it: ${String(error)}` } as const;
    this.#send({ type: "end", id, end });
  }

  #take(message: ToRunner): void {
    switch (message.type) {
      case "hello":
        if (message.version !== PROTOCOL_VERSION) {
          this.#understood = false;
          throw new Error(`version ${message.version} is not spoken here`);
        }
        this.env = { ...message.env };
        this.cwd = message.cwd;
        this.umask = message.umask;
        this.#understood = true;
        return;
      case "prepare":
        this.#host.prepare(message.id);
        this.#send({ type: "prepared", id: message.id });
        return;
      case "start":
        if (!this.#host.start(message.spec, this.#listener(message.spec.id), message.startBy))
          this.#notHere(message.spec.id);
        return;
      case "adopt": {
        const recording = this.#host.find(message.id);
        if (recording === undefined) this.#notHere(message.id);
        else recording.listen(this.#listener(message.id));
        return;
      }
      case "cancel":
        this.#host.find(message.id)?.cancel();
        return;
      case "forget":
        this.#forget(message.id);
    }
  }

  /** Takes the place of an earlier listener of this connection for the same run. */
  #listener(id: string): RunListener {
    const earlier = this.#listeners.get(id);
    if (earlier !== undefined) this.#host.find(id)?.leave(earlier);
    const listener: RunListener = {
      started: (pid) => this.#send({ type: "started", id, pid }),
      output: (parts) => this.#send({ type: "output", id, parts }),
      end: (end) => {
        this.#send({ type: "end", id, end });
        this.#listeners.delete(id);
      },
    };
    this.#listeners.set(id, listener);
    return listener;
  }

  #forget(id: string): void {
    try {
      this.#host.forget(id);
      this.#send({ type: "forgotten", id });
    } catch (error) {
      this.#send({ type: "forgotten", id, fault: String(error) });
    }
  }

  #notHere(id: string): void {
    this.#listeners.delete(id);
    this.#send({ type: "notHere", id });
  }

  #send(message: FromRunner): void {
    if (!this.#socket.destroyed) this.#socket.write(encodeLine(message));
  }
}
