import type { Encoding } from "./encoding.ts";

/** Which file it is, whatever its name: device and inode, as decimal text because they may exceed 2^53. */
export interface Identity {
  readonly dev: string;
  readonly ino: string;
}

/** How far a file was handed over, and how it looked then. */
export type Position = Identity & {
  /** Path at which the file was last seen. */
  readonly name: string;
  readonly offset: number;
  /** Fingerprint of the bytes before `offset`. */
  readonly print: string;
  /** Bytes in the file, and the time of its last change in ns, at one and the same look; `""` before the first look. */
  readonly size: number;
  readonly mtime: string;
  /** How many parts of the line were handed over in the middle of which it stands. */
  readonly parts?: number;
  /** The file is compressed: `offset` counts what comes out of it, `size` what lies on the disk. */
  readonly packed?: true;
};

/** A log that is read piece by piece, plain or compressed. */
export interface LogFile {
  readonly identity: Identity;
  readonly offset: number;
  readonly position: Position;
  /** Parts that were handed over of the line in the middle of which it stands. */
  readonly parts: number;
  /** How its text is encoded; decided by its first bytes. */
  encoding(): Promise<Encoding>;
  /** Fills the buffer from `offset` on, and stays there. */
  read(buffer: Buffer): Promise<number>;
  /** So many bytes more are handed over; the last of them end in the middle of a line of which there are so many parts. */
  advance(bytes: number, parts: number): Promise<void>;
  /** Before the first reading of a round, which changes the times of a file. */
  look?(): Promise<void>;
  /** Says whether what was read is still there; see `TailedFile`. */
  check(): Promise<"same" | "touched" | "other">;
  /** False once the last of its names is gone. */
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
