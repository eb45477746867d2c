import type { Socket } from "node:net";
import type { RunSpec } from "../../methods/spawner.ts";
import type { RunListener } from "./audience.ts";
import { encodeLine, type FromRunner, LineReader, PROTOCOL_VERSION, readToRunner, type ToRunner } from "./protocol.ts";
import type { Recording } from "./recording.ts";

/** What a connection needs of the runner that it belongs to. */
export interface ConnectionHost {
  readonly pid: number;
  /** False when the id was started before and is not alive. */
  start(spec: RunSpec, listener: RunListener): boolean;
  find(id: string): Recording | undefined;
  forget(id: string): Promise<void>;
  log(text: string): void;
  closed(): void;
}

/** The runner's end of one daemon. What cannot be understood ends the connection, and nothing else. */
export class Connection {
  env: Record<string, string> = {};
  cwd = "/";
  readonly #socket: Socket;
  readonly #host: ConnectionHost;
  readonly #lines = new LineReader();
  readonly #listeners = new Map<string, RunListener>();

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
    try {
      for (const line of this.#lines.push(chunk)) this.#take(readToRunner(line));
    } catch (error) {
      this.#host.log(`connection ended for what it sent: ${String(error)}`);
      this.#socket.destroy();
    }
  }

  #take(message: ToRunner): void {
    switch (message.type) {
      case "hello":
        if (message.version !== PROTOCOL_VERSION) throw new Error(`version ${message.version} is not spoken here`);
        this.env = { ...message.env };
        this.cwd = message.cwd;
        return;
      case "start":
        if (!this.#host.start(message.spec, this.#listener(message.spec.id))) this.#notHere(message.spec.id);
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
        void this.#forget(message.id);
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

  async #forget(id: string): Promise<void> {
    try {
      await this.#host.forget(id);
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
