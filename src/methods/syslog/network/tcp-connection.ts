import type { Socket } from "node:net";
import type { Timer } from "../../../message/clock.ts";
import { type Frame, Framer } from "./framing.ts";
import type { ListenOptions } from "./listen.ts";
import type { Sender } from "./sender.ts";
import { Utf16Stream } from "./utf16.ts";

/**
 * One sender over TCP: open → finished. An incomplete message counts as complete after some seconds, and when the connection
 * ends, because some programs never end their last message.
 */
const INCOMPLETE = 5_000;

export class TcpConnection {
  readonly #socket: Socket;
  readonly #options: ListenOptions;
  readonly #sender: Sender;
  readonly #framer: Framer;
  readonly #text = new Utf16Stream();
  #timer: Timer;
  #finished = false;

  constructor(socket: Socket, options: ListenOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#sender = options.sender(socket.remoteAddress ?? "");
    this.#framer = new Framer(options.lineBytes);
  }

  data(chunk: Buffer): void {
    this.#take(this.#framer.push(this.#text.push(chunk)));
    this.#watch();
  }

  pause(): void {
    this.#options.clock.clearTimeout(this.#timer);
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
    this.#watch();
  }

  finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#options.clock.clearTimeout(this.#timer);
    this.#take([...this.#framer.push(this.#text.end()), ...this.#framer.end()]);
  }

  destroy(): void {
    this.finish();
    this.#socket.destroy();
  }

  #watch(): void {
    const { clock } = this.#options;
    clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#finished && this.#framer.isWithin)
      this.#timer = clock.setTimeout(() => this.#take(this.#framer.end()), INCOMPLETE);
  }

  #take(frames: readonly Frame[]): void {
    const { losses } = this.#options;
    for (const frame of frames) this.#sender.take(frame);
    losses.add("framing-error", this.#framer.takeErrors());
    losses.add("nul", this.#framer.takeNuls());
  }
}
