import type { State } from "../../../src/message/lifecycle.ts";
import type { MessageDetail } from "../../../src/runtime/operate/table/messages.ts";

/** Something that befell one file of a journal at rest. */
export interface Harm {
  readonly file: string;
  readonly what: string;
  /** `undefined`: the file goes. */
  readonly to: (bytes: Buffer) => Buffer | undefined;
  /** The database is another file with the same bytes, as a copy is. */
  readonly copied?: boolean;
  /** Of an earlier time: it knows of nothing that came after, a withdrawal included. */
  readonly earlier?: boolean;
}

/** A command that was accepted, and how far it was when the journal came to rest. */
export interface Accepted {
  readonly id: string;
  readonly word: string;
  readonly kind: "ended" | "begun" | "waits" | "away" | "withdrawn";
  readonly data: string;
  /** The line that it leaves when it runs. */
  readonly line: string;
}

/** `told`: an alert says that the journal was harmed. */
export interface Finding {
  readonly started: boolean;
  readonly told: boolean;
  /** What ran or would be sent and should not. */
  readonly wrong: readonly string[];
  /** What is not as before, though nothing was told. */
  readonly lost: readonly string[];
}

export interface Evidence {
  readonly accepted: readonly Accepted[];
  readonly detail: (id: string) => MessageDetail | undefined;
  readonly told: boolean;
  /** Lines of what ran since. */
  readonly ran: readonly string[];
  /** What runs when nothing is harmed, and how each ends. */
  readonly runs: readonly Accepted["kind"][];
  readonly ends: Readonly<Record<Accepted["kind"], State>>;
  readonly isEarlier: boolean;
}

export function judge({ accepted, detail, told, ran, runs, ends, isEarlier }: Evidence): Finding {
  const wrong: string[] = [];
  const lost: string[] = [];
  for (const { id, word, kind, data } of accepted) {
    const found = detail(id);
    if (found === undefined) {
      if (!told) lost.push(`${word} is not known`);
      continue;
    }
    const { state, reason } = found;
    const open = state === "queued" || state === "sent";
    if (kind === "withdrawn" && open && !(isEarlier && told)) wrong.push(`${word} was withdrawn, and is ${state}`);
    if (state === "failed") wrong.push(`${word} has failed: ${reason}`);
    if (open && JSON.stringify(found.data) !== data)
      wrong.push(`${word} would be sent as ${JSON.stringify(found.data)}`);
    if (!told && state !== ends[kind]) lost.push(`${word} is ${state}${reason === undefined ? "" : ` (${reason})`}`);
  }
  const may = new Set(
    accepted
      .filter(({ kind }) => runs.includes(kind) || (kind === "withdrawn" && isEarlier && told))
      .map(({ line }) => line),
  );
  for (const line of ran) if (!may.delete(line)) wrong.push(`ran: ${line}`);
  return { started: true, told, wrong, lost };
}

/** One bit, each of each file as likely as any other. */
export function anyBit(extents: ReadonlyMap<string, number>, next: () => number): Harm {
  const total = [...extents.values()].reduce((sum, size) => sum + size, 0);
  let at = Math.floor(next() * total);
  for (const [file, size] of extents) {
    if (at < size) {
      return turnedBit(file, at, Math.floor(next() * 8));
    }
    at -= size;
  }
  throw new Error("there are no files");
}

export function turnedBit(file: string, byte: number, bit: number): Harm {
  const to = (bytes: Buffer): Buffer => {
    bytes[byte] = (bytes[byte] ?? 0) ^ (1 << bit);
    return bytes;
  };
  return { file, what: `bit ${bit} of byte ${byte} turned`, to };
}

/** Bytes up to the zeros that nobody wrote, and a few of those. */
export function written(bytes: Buffer): number {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return Math.min(bytes.length, end + 32);
}
