import type { Encoding } from "./encoding.ts";

/** A file's identity under any name: device and inode, as decimal text because they may exceed 2^53. */
export interface Identity {
  readonly dev: string;
  readonly ino: string;
}

/** The offset up to which a file was handed over, and the state of the file then. */
export type Position = Identity & {
  /** Path at which the file was last seen. */
  readonly name: string;
  readonly offset: number;
  /** Fingerprint of the bytes before `offset`. */
  readonly print: string;
  /** Size of the file and time of its last change, ns, by one `stat`; 0 and `""` before the first `stat`. */
  readonly size: number;
  readonly mtime: string;
  /** Parts handed over of the line in whose middle `offset` lies. */
  readonly parts?: number;
  /** True: the file is compressed; `offset` counts uncompressed bytes, `size` bytes on the disk. */
  readonly packed?: true;
};

/** A log that is read piece by piece, plain or compressed. */
export interface LogFile {
  readonly identity: Identity;
  readonly offset: number;
  readonly position: Position;
  /** Parts handed over of the line in whose middle `offset` lies. */
  readonly parts: number;
  encoding(): Promise<Encoding>;
  /** Fills the buffer from `offset` on; `offset` stays. */
  read(buffer: Buffer): Promise<number>;
  /** Moves `offset` on by handed-over bytes; `parts`: those of an unfinished line. */
  advance(bytes: number, parts: number): Promise<void>;
  /** Called before the first read of a round, because reading changes a file's access time. */
  look?(): Promise<void>;
  /** Compares the bytes before `offset` with the fingerprint; see `TailedFile`. */
  check(): Promise<"same" | "touched" | "other">;
  /** False once the file has no name left. */
  linked(): Promise<boolean>;
  seenAt(name: string): void;
  close(): Promise<void>;
}

export function sameFile(a: Identity, b: Identity): boolean {
  return a.dev === b.dev && a.ino === b.ino;
}

export function keyOf({ dev, ino }: Identity): string {
  return `${dev}:${ino}`;
}
