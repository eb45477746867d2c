import { mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";

/** The files of a recorded journal as lines of text: each without the zeros at its end, and compressed. */
const COLUMNS = 100;

export type Packed = Readonly<Record<string, { readonly size: number; readonly gzip: readonly string[] }>>;

export function packed(directory: string): Packed {
  const names = readdirSync(directory).filter((name) => name !== "lock.mdb");
  return Object.fromEntries(
    names.sort().map((name) => {
      const bytes = readFileSync(join(directory, name));
      let end = bytes.length;
      while (end > 0 && bytes[end - 1] === 0) end--;
      const text = gzipSync(bytes.subarray(0, end), { level: 9 }).toString("base64");
      return [name, { size: bytes.length, gzip: text.match(new RegExp(`.{1,${COLUMNS}}`, "g")) ?? [] }];
    }),
  );
}

export function unpack(files: Packed, directory: string): void {
  mkdirSync(directory, { recursive: true });
  for (const [name, { size, gzip }] of Object.entries(files)) {
    writeFileSync(join(directory, name), gunzipSync(Buffer.from(gzip.join(""), "base64")));
    truncateSync(join(directory, name), size);
  }
}
