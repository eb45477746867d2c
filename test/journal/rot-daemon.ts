import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Draft } from "../../src/message/draft.ts";
import type { State } from "../../src/message/lifecycle.ts";
import { eventuallySeen } from "../harness/eventually.ts";
import { type Fleet, startFleet } from "../harness/fleet.ts";
import { processesOfRun } from "../harness/runner.ts";
import type { TestNode } from "../harness/test-node.ts";

/**
 * A real daemon on a journal that rotted. The journal is that of a node that was killed with commands of every kind in it:
 * ended ones, one that runs, some that wait behind it, and some for a node that is away. Each trial puts its files back into
 * the very files that they were, does its harm, starts the daemon, and looks at what ran and at what it shows.
 */
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

/** `told`: something is not as before, and an alert says so. Words of the judge stand in `wrong` and `lost`. */
export interface Finding {
  readonly started: boolean;
  readonly told: boolean;
  readonly wrong: readonly string[];
  /** Silently: not as before, and nothing was told. */
  readonly lost: readonly string[];
}

/** A command that was accepted, and what is true of it when the sound journal was taken up. */
interface Accepted {
  readonly id: string;
  readonly word: string;
  readonly kind: "ended" | "begun" | "waits" | "away" | "withdrawn";
  readonly data: string;
  /** How it ends, or goes on, where nothing was harmed. */
  readonly expected: readonly State[];
}

type Image = ReadonlyMap<string, Buffer>;

const DATABASE = "data.mdb";
const FINAL_WITHIN = 12_000;
const TOLD_WITHIN = 2_500;

export class RottenJournal {
  readonly #fleet: Fleet;
  readonly #node: TestNode;
  readonly #accepted: readonly Accepted[];
  readonly #image: Image;
  readonly #anchor: string;
  /** As they were some commands earlier. */
  readonly #older: Image;

  private constructor(fleet: Fleet, accepted: readonly Accepted[], older: Image) {
    this.#fleet = fleet;
    this.#node = fleet.central;
    this.#accepted = accepted;
    this.#older = older;
    // A file that is copied is known as a copy: the daemon finds the same file again, whatever a trial made of it.
    this.#anchor = join(fleet.directory, "anchor.mdb");
    linkSync(this.#journal(DATABASE), this.#anchor);
    this.#image = imageOf(this.#node.data);
  }

  static async make(): Promise<RottenJournal> {
    const subscribe = [
      { subject: "command.shellcommand.free", from: ["central"], concurrency: 4 },
      { subject: "command.shellcommand.ordered", from: ["central"], concurrency: 1 },
    ];
    const fleet = await startFleet({ nodes: { central: { config: { subscribe, nodes: ["ship1"], hello: "200ms" } } } });
    const { central } = fleet;
    const accepted: Accepted[] = [];
    const accept = async (
      kind: Accepted["kind"],
      to: string,
      words: readonly string[],
      expected: readonly State[],
      after = "",
    ) => {
      const drafts = words.map((word): Draft => {
        const text = `echo "$STEWARD_RUN ${word}" >>${fleet.file("ledger")}${after}; echo ${word}`;
        return { subject: to, data: ["sh", "-c", text], deliverBy: null };
      });
      const answers = await central.api.submit(drafts);
      answers.forEach(({ id }, i) => {
        accepted.push({ id, word: words[i] ?? "", kind, data: JSON.stringify(drafts[i]?.data), expected });
      });
      return answers.map(({ id }) => id);
    };
    const free = "central.command.shellcommand.free";
    const ordered = "central.command.shellcommand.ordered";
    const ship1 = "ship1.command.shellcommand.operatingsystem";
    for (const id of await accept("ended", free, ["ended01", "ended02", "ended03", "ended04"], ["succeeded"]))
      await central.message(id, "succeeded");
    for (const id of await accept("withdrawn", ship1, ["withdrawn01", "withdrawn02"], ["cancelled"]))
      await central.api.cancel(id);
    await central.killWithRunner();
    const older = imageOf(central.data);
    await central.start();
    await accept("away", ship1, ["away01", "away02", "away03", "away04", "away05"], ["queued"]);
    const gate = `; while [ ! -e ${fleet.file("gate")} ]; do sleep 0.05; done`;
    const [begun = ""] = await accept("begun", ordered, ["begun01"], ["interrupted"], gate);
    await eventuallySeen("it runs", () => linesOf(fleet).length === 5);
    for (const id of await accept("waits", ordered, ["waits01", "waits02", "waits03"], ["succeeded"]))
      await central.message(id, "received");
    await central.message(begun, "running");
    // What was accepted a moment ago is in the log alone.
    await accept("away", ship1, ["away06", "away07"], ["queued"]);
    await central.killWithRunner();
    // Its process goes on: whoever killed the host would have ended it as well.
    writeFileSync(fleet.file("gate"), "");
    await eventuallySeen("what ran has ended", () => processesOfRun(begun).length === 0);
    return new RottenJournal(fleet, accepted, older);
  }

  /** Files of the journal, and their bytes in which harm can matter: behind them are zeros that nobody wrote. */
  get extents(): ReadonlyMap<string, number> {
    const sizes = new Map<string, number>();
    for (const [name, bytes] of this.#image) {
      if (dirname(name) !== "journal") continue;
      let end = bytes.length;
      while (end > 0 && bytes[end - 1] === 0) end--;
      sizes.set(name.slice("journal/".length), Math.min(bytes.length, end + 32));
    }
    return sizes;
  }

  /**
   * Whole files: gone, empty, cut off; a database of an earlier time; a copy. (A file of the log that is whole and of an earlier
   * time is a log of which the last second was never written: nothing on this disk could tell.)
   */
  get wholeFiles(): Harm[] {
    return [
      ...[...this.extents].flatMap(([file, size]): Harm[] => [
        { file, what: "is missing", to: () => undefined },
        { file, what: "is empty", to: () => Buffer.alloc(0) },
        { file, what: "is cut off", to: (bytes) => bytes.subarray(0, Math.floor(size / 2)) },
      ]),
      { file: DATABASE, what: "is all zeros", to: (bytes) => bytes.fill(0) },
      {
        file: DATABASE,
        what: "is of an earlier time",
        to: () => this.#older.get(`journal/${DATABASE}`),
        earlier: true,
      },
      { file: DATABASE, what: "is a copy", to: (bytes) => bytes, copied: true },
      {
        file: DATABASE,
        what: "is an earlier copy",
        to: () => this.#older.get(`journal/${DATABASE}`),
        copied: true,
        earlier: true,
      },
    ];
  }

  /** What comes of it when this is done to the journal, or nothing is. */
  async try(harm: Harm | undefined): Promise<Finding> {
    this.#putBack(harm);
    const node = this.#node;
    const daemon = node.launch();
    try {
      await daemon.saw(/"msg":"central is up"/, { within: 30_000 });
    } catch (error) {
      await node.kill();
      return { started: false, told: false, wrong: [String(error)], lost: [] };
    }
    try {
      return await this.#judge(harm?.earlier === true);
    } finally {
      await this.#end();
    }
  }

  async #judge(isEarlier: boolean): Promise<Finding> {
    const { api } = this.#node;
    const wrong: string[] = [];
    const lost: string[] = [];
    const waits = this.#accepted.filter(({ kind }) => kind === "waits" || kind === "begun");
    const isTold = async (): Promise<boolean> => (await api.alerts()).some(({ code }) => code.startsWith("journal-"));
    const since = performance.now();
    const look = async (): Promise<boolean> => {
      // A command of which the journal has lost the record is told of, and stays open where its end cannot be proved.
      if (performance.now() - since > TOLD_WITHIN && (await isTold())) return true;
      const seen = await Promise.all(waits.map(async ({ id }) => (await api.message(id)).final));
      return seen.every(Boolean);
    };
    await eventuallySeen("they have ended", look, FINAL_WITHIN).catch(() => undefined);
    const told = await isTold();
    for (const { id, word, kind, data, expected } of this.#accepted) {
      const detail = await api.message(id).catch(() => undefined);
      if (detail === undefined) {
        if (!told) lost.push(`${word} is not known`);
        continue;
      }
      const { state } = detail;
      const open = state === "queued" || state === "sent";
      if (kind === "withdrawn" && open && !(isEarlier && told)) wrong.push(`${word} was withdrawn, and is ${state}`);
      if (state === "failed") wrong.push(`${word} has failed: ${detail.reason ?? detail.code}`);
      if (detail.data !== null && JSON.stringify(detail.data) !== data && open)
        wrong.push(`${word} would be sent as ${JSON.stringify(detail.data)}`);
      if (told || expected.includes(state)) continue;
      lost.push(`${word} is ${state}${detail.reason === undefined ? "" : ` (${detail.reason})`}`);
    }
    const ran = linesOf(this.#fleet);
    const may = new Set(waits.filter(({ kind }) => kind === "waits").map(({ id, word }) => `${id} ${word}`));
    for (const line of ran) {
      if (may.delete(line)) continue;
      wrong.push(`ran: ${line}`);
    }
    const extra = readdirSync(dirname(this.#fleet.file("x"))).filter((name) => name !== "ledger" && name !== "gate");
    for (const name of extra) wrong.push(`a command wrote ${name}`);
    return { started: true, told, wrong, lost };
  }

  async #end(): Promise<void> {
    const runner = this.#node.runnerPid();
    await this.#node.kill();
    if (runner === undefined) return;
    try {
      process.kill(runner, "SIGKILL");
    } catch {
      // It left by itself.
    }
  }

  #putBack(harm: Harm | undefined): void {
    const { data } = this.#node;
    for (const name of readdirSync(data)) rmSync(join(data, name), { recursive: true, force: true });
    rmSync(this.#fleet.file("ledger"), { force: true });
    for (const [name, bytes] of this.#image) {
      const path = join(data, name);
      const isHarmed = harm !== undefined && name === `journal/${harm.file}`;
      const content = isHarmed ? harm.to(Buffer.from(bytes)) : bytes;
      mkdirSync(dirname(path), { recursive: true });
      if (content === undefined) continue;
      if (name === `journal/${DATABASE}` && harm?.copied !== true) linkSync(this.#anchor, path);
      writeFileSync(path, content);
    }
  }

  #journal(name: string): string {
    return join(this.#node.data, "journal", name);
  }
}

/** One bit, each of each file as likely as any other. */
export function anyBit(extents: ReadonlyMap<string, number>, next: () => number): Harm {
  const total = [...extents.values()].reduce((sum, size) => sum + size, 0);
  let at = Math.floor(next() * total);
  for (const [file, size] of extents) {
    if (at < size) {
      const byte = at;
      const bit = Math.floor(next() * 8);
      const to = (bytes: Buffer): Buffer => {
        bytes[byte] = (bytes[byte] ?? 0) ^ (1 << bit);
        return bytes;
      };
      return { file, what: `bit ${bit} of byte ${byte} turned`, to };
    }
    at -= size;
  }
  throw new Error("there are no files");
}

function imageOf(directory: string): Image {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && !entry.name.endsWith(".lock") && entry.name !== "lock.mdb",
  );
  return new Map(
    files.map(({ parentPath, name }) => {
      const path = join(parentPath, name);
      return [path.slice(directory.length + 1), readFileSync(path)];
    }),
  );
}

/** What ran, one line each. */
function linesOf(fleet: Fleet): string[] {
  try {
    return readFileSync(fleet.file("ledger"), "utf8").split("\n").filter(Boolean);
  } catch {
    return [];
  }
}
