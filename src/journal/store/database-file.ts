import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/**
 * LMDB's file, read as bytes. LMDB maps its file into memory and trusts each page: a damaged page crashes the process that
 * opens the file, or yields data that were never written. So the file is checked here before LMDB opens it: each page is
 * reached exactly once, is of the kind that its place asks for, and agrees with the page above it; every other page is in the
 * free list. Layout of version 2, little-endian, as the `lmdb` package writes it:
 *
 *   file     page 0 and 1: meta, written in turn; the one with the higher transaction counts
 *   page     0 number u64 · 8 transaction u64 · 16 pad u16 · 18 flags u16 · 20 end of the node list u16 · 22 begin of the
 *            nodes u16 (an overflow page: 20 number of pages u32) · 24 places of the nodes u16 each, from here on
 *   meta     24 magic u32 · 28 version u32 · 40 size of the map u64 · 48 tree of the free list · 96 main tree ·
 *            144 last page u64 · 152 transaction u64
 *   tree     0 pad u32 · 4 flags u16 · 6 depth u16 · 8, 16, 24 pages: branch, leaf, overflow u64 each · 32 entries u64 · 40 root u64
 *   node     0 size of the data, or page below, u32 (with 4 flags u16 as its high part) · 4 flags · 6 size of the key u16 ·
 *            8 key, data; big data: page u64, transaction u64, number of pages u64
 */

/** Called with each row: the name of its table (`undefined`: the row is in no table), its key and its value as LMDB has them. */
export type Visit = (table: string | undefined, key: Buffer, value: Buffer) => void;

const HEAD = 24;
const NODE = 8;
const META = { magic: 24, version: 28, free: 48, main: 96, last: 144, transaction: 152, end: 168 };
const MAGIC = 0xbeef_c0de;
const VERSION = 2;
const BRANCH = 1;
const LEAF = 2;
const OVERFLOW = 4;
const META_PAGE = 8;
const BIG = 1;
const TABLE = 2;
/** Flags of a page besides its kind, which LMDB sets and takes back within a transaction: it refuses each one that meets them. */
const PASSING = 0xe000;
const NO_ROOT = 0xffff_ffff_ffff_ffffn;
const DEEPEST = 32;
const MOST_FAULTS = 20;

interface Tree {
  /** Flags of tables with keys of another order, or several values for a key: this store has none of them. */
  readonly flags: number;
  readonly depth: number;
  readonly branch: number;
  readonly leaf: number;
  readonly overflow: number;
  readonly entries: number;
  readonly root: number | undefined;
}

interface Meta {
  readonly at: number;
  readonly pageSize: number;
  readonly last: number;
  readonly transaction: number;
  readonly free: Tree;
  readonly main: Tree;
}

/** The range of keys below a branch: `from` inclusive, `to` exclusive. */
interface Between {
  readonly from: Buffer | undefined;
  readonly to: Buffer | undefined;
}

/** The fault of a page; the pages below it are skipped. */
class Broken extends Error {}

export class DatabaseFile {
  readonly #file: number;
  readonly #size: number;
  readonly #metas: Meta[] = [];
  readonly #metaFaults: string[] = [];
  #flagged = 0;

  constructor(path: string) {
    this.#file = openSync(path, "r");
    this.#size = fstatSync(this.#file).size;
    if (this.#size === 0) return;
    const first = this.#bytes(0, META.end);
    const pageSize = first.readUInt32LE(META.free);
    // Without a page size in the first page, LMDB would not open the file either.
    const size = isPageSize(pageSize) ? pageSize : 4096;
    for (const page of [0, 1]) {
      try {
        this.#metas.push(metaOf(this.#bytes(page * size, META.end), page, size));
      } catch (error) {
        if (!(error instanceof Broken)) throw error;
        this.#metaFaults.push(error.message);
      }
    }
    const [one, other] = this.#metas;
    if (one === undefined || other === undefined) return;
    // The two meta pages are written in turn, so their transactions differ by one; in a new file they may be equal.
    const step = Math.abs(one.transaction - other.transaction);
    if (step > 1)
      this.#metaFaults.push(`its two first pages tell of transactions ${one.transaction} and ${other.transaction}`);
  }

  /** Number of states in the file: the present one (0), and the one before it (1), if both meta pages are sound. */
  get states(): number {
    return this.#metas.length;
  }

  /** Faults of the meta pages. */
  get faults(): readonly string[] {
    return this.#metaFaults;
  }

  /**
   * Visits the rows of a state, as far as they can be read. Returns the first faults; none: the file is sound.
   *
   * @param names the names of tables
   */
  walk(state: number, visit: Visit, names: readonly string[]): readonly string[] {
    const meta = this.#metas.toSorted((a, b) => b.transaction - a.transaction)[state];
    if (meta === undefined) return ["there is no such state"];
    const walk = new Walk(
      meta,
      (page, count) => this.#bytes(page * meta.pageSize, count * meta.pageSize),
      visit,
      names,
    );
    if (this.#size < (walk.highest() + 1) * meta.pageSize) walk.cause("the file is cut off");
    this.#flagged = walk.flagged;
    return walk.faults;
  }

  /** Number of pages of the state visited last that can be read, and cannot be written to. */
  get flagged(): number {
    return this.#flagged;
  }

  close(): void {
    closeSync(this.#file);
  }

  #bytes(from: number, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    if (from < this.#size) readSync(this.#file, bytes, 0, length, from);
    return bytes;
  }
}

class Walk {
  readonly faults: string[] = [];
  flagged = 0;
  readonly #meta: Meta;
  readonly #read: (page: number, count: number) => Buffer;
  readonly #visit: Visit;
  readonly #names: readonly string[];
  /** 1 for each page that is in a tree or in the free list. */
  readonly #reached: Uint8Array;
  #highest = 1;

  constructor(meta: Meta, read: (page: number, count: number) => Buffer, visit: Visit, names: readonly string[]) {
    this.#meta = meta;
    this.#read = read;
    this.#visit = visit;
    this.#names = names;
    this.#reached = new Uint8Array(meta.last + 1);
    this.#tree(meta.main, "main", (key, data, flags) => this.#mainEntry(key, data, flags));
    this.#tree(meta.free, "free", (key, data) => this.#freeEntry(key, data));
    this.#account();
  }

  highest(): number {
    return this.#highest;
  }

  fault(text: string): void {
    if (this.faults.length < MOST_FAULTS) this.faults.push(text);
  }

  /** Puts the cause of the other faults first. */
  cause(text: string): void {
    this.faults.unshift(text);
  }

  #mainEntry(key: Buffer, data: Buffer, flags: number): void {
    if ((flags & TABLE) === 0) {
      this.#visit(undefined, key, data);
      return;
    }
    const name = key.toString("utf8").replace(/\0$/, "");
    if (!this.#names.includes(name)) throw new Broken(`there is no table ${JSON.stringify(name.slice(0, 40))}`);
    if (data.length !== 48) throw new Broken(`table ${name} has no tree`);
    const tree = treeOf(data, 0);
    if (tree.flags !== 0) throw new Broken(`table ${name} is of another kind`);
    this.#tree(tree, name, (rowKey, value) => this.#visit(name, rowKey, value));
  }

  /** A list of free pages: the number of entries, then pages; `-n` before a page: n pages from there on; 0: an unused entry. */
  #freeEntry(key: Buffer, data: Buffer): void {
    if (key.length !== 8 || data.length < 8 || data.length % 8 !== 0)
      throw new Broken("a list of free pages has no length");
    const count = data.readBigUInt64LE(0);
    if (count > BigInt(data.length / 8 - 1)) throw new Broken("a list of free pages is longer than its data");
    if (key.readBigUInt64LE(0) > BigInt(this.#meta.transaction))
      throw new Broken("a list of free pages is of the future");
    for (let i = 1; i <= Number(count); i++) {
      let entry = data.readBigInt64LE(8 * i);
      let length = 1n;
      if (entry === 0n) continue;
      if (entry < 0n) {
        length = -entry;
        i++;
        if (i > Number(count)) throw new Broken("a list of free pages ends in the middle");
        entry = data.readBigInt64LE(8 * i);
      }
      if (entry < 2n || entry + length - 1n > BigInt(this.#meta.last)) throw new Broken(`page ${entry} cannot be free`);
      for (let n = 0; n < Number(length); n++) this.#mark(Number(entry) + n);
    }
  }

  #mark(page: number): void {
    if (this.#reached[page] === 1) throw new Broken(`page ${page} is used twice`);
    this.#reached[page] = 1;
  }

  #tree(tree: Tree, name: string, entry: (key: Buffer, data: Buffer, flags: number) => void): void {
    const seen = { branch: 0, leaf: 0, overflow: 0, entries: 0 };
    const guarded = (work: () => void): void => {
      try {
        work();
      } catch (error) {
        if (!(error instanceof Broken)) throw error;
        this.fault(`${name}: ${error.message}`);
      }
    };
    const order = tree === this.#meta.free ? byNumber : Buffer.compare;
    const below = (number: number, depth: number, { from, to }: Between): void => {
      const page = this.#page(number, depth === tree.depth ? LEAF : BRANCH);
      const nodes = nodesOf(page, number, depth === tree.depth);
      const keys = nodes.map((at) => page.subarray(at + NODE, at + NODE + page.readUInt16LE(at + 6)));
      // LMDB ignores the first key of a branch.
      let before: Buffer | undefined = depth === tree.depth ? undefined : from;
      for (const [i, key] of keys.entries()) {
        if (i === 0 && depth < tree.depth) continue;
        const first =
          i === 0 ? from !== undefined && order(key, from) < 0 : before !== undefined && order(key, before) <= 0;
        if (first || (to !== undefined && order(key, to) >= 0))
          throw new Broken(`page ${number} has keys out of order`);
        before = key;
      }
      if (depth < tree.depth) {
        seen.branch++;
        if (nodes.length < 1) throw new Broken(`page ${number} is empty`);
        for (const [i, at] of nodes.entries()) {
          const child = page.readUInt32LE(at) + page.readUInt16LE(at + 4) * 2 ** 32;
          guarded(() => below(child, depth + 1, { from: i === 0 ? from : keys[i], to: keys[i + 1] ?? to }));
        }
        return;
      }
      seen.leaf++;
      for (const at of nodes) {
        seen.entries++;
        guarded(() => {
          const size = page.readUInt32LE(at);
          const flags = page.readUInt16LE(at + 4);
          const end = at + NODE + page.readUInt16LE(at + 6);
          const key = page.subarray(at + NODE, end);
          if ((flags & ~(BIG | TABLE)) !== 0) throw new Broken(`page ${number} has a node of an unknown kind`);
          if ((flags & BIG) === 0) return entry(key, page.subarray(end, end + size), flags);
          const [first, pages] = [Number(page.readBigUInt64LE(end)), Number(page.readBigUInt64LE(end + 16))];
          if (pages !== Math.floor((HEAD - 1 + size) / page.length) + 1)
            throw new Broken(`page ${number} has a node of a wrong size`);
          const big = this.#page(first, OVERFLOW, pages);
          seen.overflow += pages;
          entry(key, big.subarray(HEAD, HEAD + size), flags);
        });
      }
    };
    guarded(() => {
      if (tree.root === undefined) {
        if (tree.depth !== 0 || tree.entries !== 0) throw new Broken("it has no root");
        return;
      }
      if (tree.depth < 1 || tree.depth > DEEPEST) throw new Broken(`it is ${tree.depth} deep`);
      below(tree.root, 1, { from: undefined, to: undefined });
      for (const what of ["branch", "leaf", "overflow", "entries"] as const)
        if (seen[what] !== tree[what])
          throw new Broken(`it should have ${tree[what]} (${what}), and has ${seen[what]}`);
    });
  }

  #page(number: number, kind: number, count = 1): Buffer {
    const { last, transaction } = this.#meta;
    if (!(number >= 2 && number + count - 1 <= last)) throw new Broken(`there is no page ${number}`);
    for (let n = 0; n < count; n++) this.#mark(number + n);
    this.#highest = Math.max(this.#highest, number + count - 1);
    const page = this.#read(number, count);
    if (page.readBigUInt64LE(0) !== BigInt(number)) throw new Broken(`page ${number} is another one`);
    if (page.readBigUInt64LE(8) > BigInt(transaction)) throw new Broken(`page ${number} is of the future`);
    const flags = page.readUInt16LE(18);
    if ((flags & ~PASSING) !== kind) throw new Broken(`page ${number} is of another kind`);
    if ((flags & PASSING) !== 0) this.flagged++;
    if (kind === OVERFLOW && page.readUInt32LE(20) !== count) throw new Broken(`page ${number} has another length`);
    return page;
  }

  /** Adds a fault for a page that is neither used nor free: a list of free pages has lost it. */
  #account(): void {
    if (this.faults.length > 0) return;
    const lost = this.#reached.subarray(2).indexOf(0);
    if (lost !== -1) this.fault(`page ${lost + 2} belongs to nothing`);
  }
}

/** The order of the free list: by transaction. */
function byNumber(a: Buffer, b: Buffer): number {
  const difference = (a.length === 8 ? a.readBigUInt64LE(0) : 0n) - (b.length === 8 ? b.readBigUInt64LE(0) : 0n);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

function isPageSize(size: number): boolean {
  return size >= 512 && size <= 65_536 && (size & (size - 1)) === 0;
}

function metaOf(page: Buffer, at: number, pageSize: number): Meta {
  if (page.readUInt32LE(META.magic) !== MAGIC || page.readUInt32LE(META.free) !== pageSize)
    throw new Broken(`its page ${at} is none of LMDB's`);
  if ((page.readUInt32LE(META.version) & 0xffff) !== VERSION)
    throw new Broken(`its page ${at} is of an unknown version`);
  if (page.readBigUInt64LE(0) !== BigInt(at) || (page.readUInt16LE(18) & META_PAGE) === 0)
    throw new Broken(`its page ${at} is another one`);
  const last = page.readBigUInt64LE(META.last);
  const transaction = page.readBigUInt64LE(META.transaction);
  if (last > 2n ** 32n || last < 1n) throw new Broken(`its page ${at} tells of ${last} pages`);
  // Transaction n writes meta page n mod 2.
  if (transaction > 2n ** 52n || (transaction > 0n && Number(transaction & 1n) !== at))
    throw new Broken(`its page ${at} tells of transaction ${transaction}`);
  const [free, main] = [treeOf(page, META.free), treeOf(page, META.main)];
  if (main.flags !== 0) throw new Broken(`its page ${at} has a tree of another kind`);
  return { at, pageSize, last: Number(last), transaction: Number(transaction), free, main };
}

function treeOf(bytes: Buffer, at: number): Tree {
  const root = bytes.readBigUInt64LE(at + 40);
  return {
    flags: bytes.readUInt16LE(at + 4),
    depth: bytes.readUInt16LE(at + 6),
    branch: Number(bytes.readBigUInt64LE(at + 8)),
    leaf: Number(bytes.readBigUInt64LE(at + 16)),
    overflow: Number(bytes.readBigUInt64LE(at + 24)),
    entries: Number(bytes.readBigUInt64LE(at + 32)),
    root: root === NO_ROOT ? undefined : Number(root),
  };
}

/** The offsets of the nodes of a page, which fill what is between its places and its end. */
function nodesOf(page: Buffer, number: number, leaf: boolean): number[] {
  const lower = page.readUInt16LE(20);
  const upper = page.readUInt16LE(22);
  if (lower > upper || lower % 2 !== 0 || HEAD + upper > page.length) throw new Broken(`page ${number} has no order`);
  const nodes: number[] = [];
  const ends = new Map<number, number>();
  for (let i = 0; i < lower / 2; i++) {
    const at = HEAD + page.readUInt16LE(HEAD + 2 * i);
    const room = page.length - at - NODE;
    if (at < HEAD + upper || room < 0) throw new Broken(`page ${number} has a node outside of it`);
    const data = leaf ? ((page.readUInt16LE(at + 4) & BIG) === 0 ? page.readUInt32LE(at) : 24) : 0;
    const size = page.readUInt16LE(at + 6) + data;
    if (size > room) throw new Broken(`page ${number} has a node that is too long`);
    nodes.push(at);
    ends.set(at, at + NODE + size + (size % 2));
  }
  // LMDB leaves no room between nodes, each of which begins at an even place: a node of another size than it had shows here.
  let at = HEAD + upper;
  for (let end = ends.get(at); end !== undefined; end = ends.get(at)) {
    ends.delete(at);
    at = end;
  }
  if (ends.size > 0 || at !== page.length) throw new Broken(`page ${number} has nodes that do not lie side by side`);
  return nodes;
}
