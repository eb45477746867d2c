import { FILE_HEADER, FRAME_HEADER, frameAt, LOG_VERSION, TRAILER } from "../../../src/journal/store/log-format.ts";
import { type Harm, turnedBit } from "./judge.ts";

const PAGE = 4096;
const HEAD = 24;
const NODE = 8;
const BRANCH = 1;
const LEAF = 2;
const OVERFLOW = 4;
/** End of what a meta page says, bytes. */
const META_END = 168;
const NOISE = 64;

/**
 * Harms of what holds a journal together, which is a small part of its bytes: a bit of the pages of LMDB beside the values of
 * rows, that is of their heads, places and keys; and noise over a part of the log.
 */
export class StructureHarms {
  readonly #places: readonly number[];
  readonly #logs: readonly (readonly [name: string, end: number])[];
  readonly #next: () => number;

  constructor(files: ReadonlyMap<string, Buffer>, next: () => number) {
    this.#places = placesOf(files.get("data.mdb") ?? Buffer.alloc(0));
    this.#logs = [...files]
      .map(([name, bytes]) => [name, name.startsWith("wal-") ? beginOfLast(bytes) - NOISE : 0] as const)
      .filter(([, end]) => end > 0);
    this.#next = next;
  }

  bit(): Harm {
    return turnedBit("data.mdb", this.#any(this.#places) ?? 0, Math.floor(this.#next() * 8));
  }

  noise(): Harm {
    const [file, end] = this.#any(this.#logs) ?? ["none", 0];
    const at = Math.floor(this.#next() * end);
    const noise = Buffer.from(Array.from({ length: NOISE }, () => Math.floor(this.#next() * 256)));
    const to = (bytes: Buffer): Buffer => {
      noise.copy(bytes, at);
      return bytes;
    };
    return { file, what: `${NOISE} bytes from ${at} on are noise`, to };
  }

  #any<T>(from: readonly T[]): T | undefined {
    return from[Math.floor(this.#next() * from.length)];
  }
}

/** The place of the last record: one that is damaged up to its end looks like one that a power cut tore. */
function beginOfLast(bytes: Buffer): number {
  let begin = 0;
  const first = frameAt(bytes, FILE_HEADER, LOG_VERSION);
  for (let frame = first; frame?.segment === first?.segment && frame !== undefined; ) {
    begin = frame.end - TRAILER - frame.body.length - FRAME_HEADER;
    frame = frameAt(bytes, frame.end, LOG_VERSION);
  }
  return begin;
}

function placesOf(database: Buffer): number[] {
  const places: number[] = [];
  for (let start = 0; start < database.length; start += PAGE) {
    const page = database.subarray(start, start + PAGE);
    const note = (from: number, to: number): void => {
      for (let at = from; at < Math.min(PAGE, to); at++) places.push(start + at);
    };
    const kind = page.readUInt16LE(18) & (BRANCH | LEAF | OVERFLOW);
    if (start < 2 * PAGE) note(0, META_END);
    else if (kind === OVERFLOW) note(0, HEAD);
    else if (kind === LEAF || kind === BRANCH) {
      const end = HEAD + page.readUInt16LE(20);
      note(0, end);
      for (let at = HEAD; at < end; at += 2) {
        const node = HEAD + page.readUInt16LE(at);
        note(node, node + NODE + page.readUInt16LE(node + 6));
      }
    }
  }
  return places;
}
