import { createServer, connect as dial, type Server, type Socket } from "node:net";
import type { Random } from "../../../src/message/clock.ts";
import { atTestEnd } from "../temp.ts";
import { type Disturbance, type Disturbed, DisturbedStream } from "./disturbance.ts";

export type Direction = "toServer" | "toClient" | "both";

/**
 * A TCP proxy on a free port of 127.0.0.1 that has the faults of a bad link. Faults hold for present and future
 * connections until `heal`. It is gone when the test is over.
 */
export interface Proxy {
  readonly url: string;
  readonly port: number;
  readonly connections: number;
  /** Bytes that came through, each way. */
  readonly passed: { readonly toServer: number; readonly toClient: number };
  /** Ends every connection in good order; new ones are taken. */
  cut(): void;
  /** Ends every connection with RST; new ones are taken. */
  reset(): void;
  /** Connecting is refused from now on, and what is connected is reset. */
  refuse(): Promise<void>;
  /** Bytes vanish and nobody is told: a half-open link. New connections are taken and stay silent. */
  blackhole(direction?: Direction): void;
  /** Nothing moves and nothing is lost, until `resume`. */
  freeze(): void;
  resume(): void;
  /** Adds so many ms each way. */
  delay(ms: number): void;
  /** Bytes per second, each way and connection. */
  bandwidth(bytesPerSecond: number): void;
  /** Lost packets, as TCP shows them: for this share of them everything behind waits for the second sending. */
  loss(share: number, random: Random): void;
  /** Harms the messages that go to the server, on connections that are made from now on; those that are there are cut. */
  disturb(disturbance: Disturbance): void;
  /** What `disturb` did by now. */
  readonly disturbed: Readonly<Disturbed>;
  /** Ends all faults. Connections that lost bytes are reset: their streams have holes. */
  heal(): Promise<void>;
  close(): Promise<void>;
}

const HIGH_WATER = 256 * 1024;

interface Faults {
  dark: Set<"toServer" | "toClient">;
  frozen: boolean;
  delayMs: number;
  bytesPerSecond: number;
  loss: { readonly share: number; readonly random: Random } | undefined;
  disturbance: Disturbance | undefined;
}

/** The traffic of all connections. */
interface Counts {
  readonly passed: { toServer: number; toClient: number };
  readonly disturbed: Disturbed;
}

const NO_FAULTS = {
  frozen: false,
  delayMs: 0,
  bytesPerSecond: Number.POSITIVE_INFINITY,
  loss: undefined,
  disturbance: undefined,
} as const;
/** Bytes of one packet, and how long TCP waits at least until it sends one again, ms. */
const PACKET = 1460;
const RETRANSMISSION = 200;
/** A message that nothing overtakes goes on after so many ms. */
const HELD_AT_MOST = 30;

export async function startProxy(target: { readonly port: number }): Promise<Proxy> {
  const faults: Faults = { dark: new Set(), ...NO_FAULTS };
  const passed = { toServer: 0, toClient: 0 };
  const disturbed: Disturbed = { duplicated: 0, reordered: 0, flipped: 0 };
  const counts: Counts = { passed, disturbed };
  const pairs = new Set<Pair>();

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const upstream = dial({ port: target.port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    const pair = new Pair(client, upstream, faults, counts, () => pairs.delete(pair));
    pairs.add(pair);
  });
  await listen(server, 0);
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");
  const { port } = address;

  const endAll = (how: (pair: Pair) => void): void => {
    for (const pair of [...pairs]) how(pair);
  };
  const stopListening = (): Promise<void> =>
    new Promise((resolve) => (server.listening ? server.close(() => resolve()) : resolve()));
  const close = async (): Promise<void> => {
    const closed = stopListening();
    endAll((pair) => pair.reset());
    await closed;
  };
  atTestEnd(close, () => undefined);

  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    passed,
    disturbed,
    get connections() {
      return pairs.size;
    },
    cut: () => endAll((pair) => pair.end()),
    reset: () => endAll((pair) => pair.reset()),
    refuse: async () => {
      const closed = stopListening();
      endAll((pair) => pair.reset());
      await closed;
    },
    blackhole: (direction = "both") => {
      if (direction !== "toClient") faults.dark.add("toServer");
      if (direction !== "toServer") faults.dark.add("toClient");
    },
    freeze: () => {
      faults.frozen = true;
    },
    resume: () => {
      faults.frozen = false;
      endAll((pair) => pair.wake());
    },
    delay: (ms) => {
      faults.delayMs = ms;
    },
    bandwidth: (bytesPerSecond) => {
      faults.bytesPerSecond = bytesPerSecond;
    },
    loss: (share, random) => {
      faults.loss = { share, random };
    },
    disturb: (disturbance) => {
      faults.disturbance = disturbance;
      endAll((pair) => pair.reset());
    },
    heal: async () => {
      Object.assign(faults, { dark: new Set(), ...NO_FAULTS });
      endAll((pair) => (pair.holed ? pair.reset() : pair.wake()));
      if (!server.listening) await listen(server, port);
    },
    close,
  };
}

/** One client and its connection to the server. */
class Pair {
  holed = false;
  readonly #pipes: Pipe[];
  readonly #sockets: readonly Socket[];
  readonly #onEnd: () => void;
  #ended = false;

  constructor(client: Socket, upstream: Socket, faults: Faults, counts: Counts, onEnd: () => void) {
    this.#sockets = [client, upstream];
    this.#onEnd = onEnd;
    const holed = (): void => {
      this.holed = true;
    };
    this.#pipes = [
      new Pipe(client, upstream, "toServer", faults, counts, holed),
      new Pipe(upstream, client, "toClient", faults, counts, holed),
    ];
    for (const socket of this.#sockets) {
      socket.on("error", () => this.reset());
      socket.on("close", () => {
        if (this.#sockets.every(({ destroyed }) => destroyed)) this.#finish();
      });
    }
  }

  wake(): void {
    for (const pipe of this.#pipes) pipe.move();
  }

  end(): void {
    for (const socket of this.#sockets) socket.end(() => socket.destroy());
    this.#finish();
  }

  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
    this.#finish();
  }

  #finish(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const pipe of this.#pipes) pipe.stop();
    this.#onEnd();
  }
}

/** One direction: bytes wait here until they are due. */
class Pipe {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #direction: "toServer" | "toClient";
  readonly #faults: Faults;
  readonly #waiting: { readonly chunk: Buffer | null; readonly due: number }[] = [];
  readonly #counts: Counts;
  readonly #messages: DisturbedStream | undefined;
  #bytes = 0;
  #lineFreeAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #release: NodeJS.Timeout | undefined;

  constructor(
    from: Socket,
    to: Socket,
    direction: "toServer" | "toClient",
    faults: Faults,
    counts: Counts,
    holed: () => void,
  ) {
    this.#from = from;
    this.#to = to;
    this.#direction = direction;
    this.#faults = faults;
    this.#counts = counts;
    this.#messages =
      direction === "toServer" && faults.disturbance !== undefined
        ? new DisturbedStream(faults.disturbance, counts.disturbed)
        : undefined;
    from.on("data", (chunk: Buffer) => {
      if (faults.dark.has(direction)) holed();
      else if (this.#messages === undefined) this.#take(chunk);
      else this.#disturb(this.#messages, chunk);
    });
    from.on("end", () => {
      if (!faults.dark.has(direction)) this.#take(null);
    });
  }

  #disturb(messages: DisturbedStream, chunk: Buffer): void {
    const goOn = (bytes: Buffer): void => (bytes.length === 0 ? undefined : this.#take(bytes));
    if (this.#faults.disturbance === undefined) goOn(messages.end());
    goOn(messages.take(chunk));
    clearTimeout(this.#release);
    this.#release = setTimeout(() => goOn(messages.release()), HELD_AT_MOST);
  }

  #take(chunk: Buffer | null): void {
    const size = chunk?.length ?? 0;
    const now = performance.now();
    this.#lineFreeAt =
      Math.max(now, this.#lineFreeAt) + (size / this.#faults.bytesPerSecond) * 1000 + this.#stall(size);
    this.#waiting.push({ chunk, due: this.#lineFreeAt + this.#faults.delayMs });
    this.#bytes += size;
    if (this.#bytes > HIGH_WATER) this.#from.pause();
    this.move();
  }

  /** How long these bytes wait for packets that were lost, ms. */
  #stall(size: number): number {
    const { loss, delayMs } = this.#faults;
    if (loss === undefined) return 0;
    let lost = 0;
    for (let packets = Math.ceil(size / PACKET); packets > 0; packets--) if (loss.random.next() < loss.share) lost++;
    return lost * (RETRANSMISSION + 2 * delayMs);
  }

  /** Passes on what is due. */
  move(): void {
    clearTimeout(this.#timer);
    const now = performance.now();
    for (let next = this.#waiting[0]; next !== undefined && !this.#faults.frozen; next = this.#waiting[0]) {
      if (next.due > now) {
        this.#timer = setTimeout(() => this.move(), next.due - now);
        return;
      }
      this.#waiting.shift();
      if (next.chunk === null) {
        this.#to.end();
        continue;
      }
      this.#bytes -= next.chunk.length;
      this.#counts.passed[this.#direction] += next.chunk.length;
      this.#to.write(next.chunk);
      if (this.#bytes <= HIGH_WATER) this.#from.resume();
    }
  }

  stop(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#release);
    this.#waiting.length = 0;
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", reject);
      resolve();
    });
  });
}
