import { sign } from "node:crypto";
import { closeSync, fstatSync, lstatSync, mkdirSync, openSync, readSync, type Stats, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Random } from "../../message/clock.ts";
import { fileFault, StewardError } from "../../message/errors.ts";
import { privateKey, publicOf } from "../keys/key-objects.ts";
import { publicText, seedBytes, seedText } from "../keys/key-text.ts";
import type { Signer } from "../keys/signed.ts";

/**
 * The key of a person: one line, the seed `SU…`, in a file of mode 0600 on the person's own machine. The key is made there
 * and never travels. A file that others could read or write is refused.
 */
const MOST_BYTES = 256;

/** Makes a key in a new file. Returns its public half. @throws StewardError `file-unwritable` */
export function makeOperatorKey(file: string, random: Pick<Random, "bytes">): string {
  const seed = seedText("sign", random.bytes(32));
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(file, `${seed}\n`, { mode: 0o600, flag: "wx", flush: true });
  } catch (error) {
    const exists = (error as NodeJS.ErrnoException).code === "EEXIST";
    const fault = exists ? "there is a file of this name; it is never overwritten" : fileFault(error);
    throw new StewardError("file-unwritable", { file, fault }, { cause: error });
  }
  return signerOf(seed, file).keys.sign;
}

/** The key in a file. @throws StewardError `operator-key-unsafe`, `operator-key-unreadable` */
export function readOperatorKey(file: string): Signer {
  let opened: number | undefined;
  try {
    if (lstatSync(file).isSymbolicLink()) throw unsafe(file, "it is a symbolic link", "name the file itself");
    opened = openSync(file, "r");
    insistPrivate(file, fstatSync(opened));
    const bytes = Buffer.alloc(MOST_BYTES);
    return signerOf(bytes.toString("latin1", 0, readSync(opened, bytes)).trim(), file);
  } catch (error) {
    if (error instanceof StewardError) throw error;
    throw new StewardError("operator-key-unreadable", { file, fault: fileFault(error) }, { cause: error });
  } finally {
    if (opened !== undefined) closeSync(opened);
  }
}

function signerOf(seed: string, file: string): Signer {
  const raw = seedBytes("sign", seed);
  if (raw === undefined)
    throw new StewardError("operator-key-unreadable", { file, fault: "it holds no seed SU…, or one that was changed" });
  const key = privateKey("sign", raw);
  return { keys: { sign: publicText("sign", publicOf(key)) }, sign: (bytes) => sign(null, bytes, key) };
}

function insistPrivate(file: string, { mode, uid }: Stats): void {
  const own = process.getuid?.();
  // Windows has no modes.
  if (own === undefined) return;
  if (uid !== own) throw unsafe(file, `it belongs to user ${uid}, and you are user ${own}`, `chown ${own} ${file}`);
  if ((mode & 0o077) === 0) return;
  throw unsafe(file, `others than its owner may use it (mode ${(mode & 0o777).toString(8)})`, `chmod 600 ${file}`);
}

function unsafe(file: string, fault: string, command: string): StewardError {
  return new StewardError("operator-key-unsafe", { file, fault, command });
}
