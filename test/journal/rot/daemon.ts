import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Draft } from "../../../src/message/draft.ts";
import type { MessageDetail } from "../../../src/runtime/operate/table/messages.ts";
import { eventuallySeen } from "../../harness/eventually.ts";
import { type Fleet, startFleet } from "../../harness/fleet/fleet.ts";
import { processesOfRun } from "../../harness/fleet/runner.ts";
import type { TestNode } from "../../harness/fleet/test-node.ts";
import { type Accepted, type Finding, type Harm, judge, written } from "./judge.ts";

/**
 * A real daemon on a journal that rotted. The journal is that of a node that was killed with commands of every kind in it:
 * ended ones, one that runs, some that wait behind it, and some for a node that is away. Each trial puts its files back into
 * the very files that they were, does its harm, starts the daemon, and looks at what ran and at what it shows.
 */
type Image = ReadonlyMap<string, Buffer>;

const DATABASE = "data.mdb";
const FINAL_WITHIN = 60_000;
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
    const accept = async (kind: Accepted["kind"], to: string, words: readonly string[], after = "") => {
      const drafts = words.map((word): Draft => {
        const text = `echo "$STEWARD_RUN ${word}" >>${fleet.file("ledger")}${after}; echo ${word}`;
        return { subject: to, data: ["sh", "-c", text], deliverBy: null };
      });
      const answers = await central.api.submit(drafts);
      answers.forEach(({ id }, i) => {
        const word = words[i] ?? "";
        accepted.push({ id, word, kind, data: JSON.stringify(drafts[i]?.data), line: `${id} ${word}` });
      });
      return answers.map(({ id }) => id);
    };
    const free = "central.command.shellcommand.free";
    const ordered = "central.command.shellcommand.ordered";
    const ship1 = "ship1.command.shellcommand.operatingsystem";
    for (const id of await accept("ended", free, ["ended01", "ended02", "ended03", "ended04"]))
      await central.message(id, "succeeded");
    for (const id of await accept("withdrawn", ship1, ["withdrawn01", "withdrawn02"])) await central.api.cancel(id);
    await central.killWithRunner();
    const older = imageOf(central.data);
    await central.start();
    await accept("away", ship1, ["away01", "away02", "away03", "away04", "away05"]);
    const gate = `; while [ ! -e ${fleet.file("gate")} ]; do sleep 0.05; done`;
    const [begun = ""] = await accept("begun", ordered, ["begun01"], gate);
    await eventuallySeen("it runs", () => linesOf(fleet).length === 5);
    for (const id of await accept("waits", ordered, ["waits01", "waits02", "waits03"]))
      await central.message(id, "received");
    await central.message(begun, "running");
    // What was accepted a moment ago is in the log alone.
    await accept("away", ship1, ["away06", "away07"]);
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
      sizes.set(name.slice("journal/".length), written(bytes));
    }
    return sizes;
  }

  /**
   * Whole files: gone, empty, cut off, all zeros, of an earlier time; a database that is a copy.
   */
  get wholeFiles(): Harm[] {
    return [
      ...[...this.extents].flatMap(([file, size]): Harm[] => [
        { file, what: "is missing", to: () => undefined },
        { file, what: "is empty", to: () => Buffer.alloc(0) },
        { file, what: "is cut off", to: (bytes) => bytes.subarray(0, Math.floor(size / 2)) },
        { file, what: "is all zeros", to: (bytes) => bytes.fill(0) },
        { file, what: "is of an earlier time", to: () => this.#older.get(`journal/${file}`), earlier: true },
      ]),
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
    const details = new Map<string, MessageDetail>();
    for (const { id } of this.#accepted)
      await api.message(id).then(
        (detail) => void details.set(id, detail),
        () => undefined,
      );
    const finding = judge({
      accepted: this.#accepted,
      detail: (id) => details.get(id),
      told,
      ran: linesOf(this.#fleet),
      runs: ["waits"],
      ends: { ended: "succeeded", begun: "interrupted", waits: "succeeded", away: "queued", withdrawn: "cancelled" },
      isEarlier,
    });
    const extra = readdirSync(dirname(this.#fleet.file("x"))).filter((name) => name !== "ledger" && name !== "gate");
    return { ...finding, wrong: [...finding.wrong, ...extra.map((name) => `a command wrote ${name}`)] };
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
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      if (content === undefined) continue;
      if (name === `journal/${DATABASE}` && harm?.copied !== true) linkSync(this.#anchor, path);
      writeFileSync(path, content, { mode: 0o600 });
    }
  }

  #journal(name: string): string {
    return join(this.#node.data, "journal", name);
  }
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
