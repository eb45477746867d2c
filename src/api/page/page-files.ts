import { readdirSync, readFileSync, statSync } from "node:fs";
import { extname, join } from "node:path";
import { gzipSync } from "node:zlib";

/**
 * The files of the built page, read whole into memory. A request names one of them by its path from the folder, and never
 * a path of the disk; links in the folder are left out. A new build is seen at its `index.html`.
 */
export interface PageFile {
  readonly type: string;
  readonly body: Buffer;
  /** Absent where it is not smaller. */
  readonly gzip: Buffer | undefined;
  /** The name holds a hash of the content, so that a browser may keep it for ever. */
  readonly hashed: boolean;
}

const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".webmanifest": "application/manifest+json",
  ".woff2": "font/woff2",
};
const PACKED = new Set([".ico", ".png", ".woff2"]);
const HASHED = /^\/assets\/.*[-.][\w-]{8,}\.\w+$/;
const INDEX = "/index.html";
/** Bounds of a folder that is no built page. */
const MOST = { files: 500, bytes: 32 * 1024 * 1024 };

export class PageFiles {
  readonly #folder: string;
  #files: ReadonlyMap<string, PageFile> = new Map();
  #seen: string | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The file at a path of a URL, the page itself for each of its views; `undefined`: there is none. */
  find(path: string): PageFile | undefined {
    const isView = !path.slice(path.lastIndexOf("/")).includes(".") && !path.startsWith("/assets/");
    this.#look();
    return this.#files.get(isView ? INDEX : path);
  }

  #look(): void {
    const seen = stampOf(join(this.#folder, INDEX));
    if (seen === this.#seen) return;
    this.#seen = seen;
    this.#files = seen === undefined ? new Map() : filesIn(this.#folder);
  }
}

function stampOf(file: string): string | undefined {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat === undefined ? undefined : `${stat.ino} ${stat.size} ${stat.mtimeMs}`;
}

function filesIn(folder: string): Map<string, PageFile> {
  const files = new Map<string, PageFile>();
  let bytes = 0;
  const walk = (directory: string, path: string): void => {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const at = join(directory, entry.name);
      const name = `${path}/${entry.name}`;
      if (entry.isDirectory()) walk(at, name);
      const type = TYPES[extname(entry.name)];
      if (!entry.isFile() || type === undefined || files.size >= MOST.files) continue;
      bytes += statSync(at).size;
      if (bytes > MOST.bytes) return;
      files.set(name, fileOf(name, type, readFileSync(at)));
    }
  };
  walk(folder, "");
  return files;
}

function fileOf(name: string, type: string, body: Buffer): PageFile {
  const packed = PACKED.has(extname(name)) ? undefined : gzipSync(body, { level: 9 });
  const gzip = packed !== undefined && packed.length < body.length ? packed : undefined;
  return { type, body, gzip, hashed: HASHED.test(name) };
}
