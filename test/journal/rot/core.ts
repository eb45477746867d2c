import { mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkConfig } from "../../../src/config/check.ts";
import { openLmdbStore } from "../../../src/journal/store/lmdb-store.ts";
import type { Draft } from "../../../src/message/draft.ts";
import { systemClock } from "../../../src/platform/system-clock.ts";
import { type Daemon, startDaemon } from "../../../src/runtime/daemon/daemon.ts";
import { eventuallySeen } from "../../harness/eventually.ts";
import { seededRandom } from "../../harness/random.ts";
import { worldLog } from "../../harness/world/parts.ts";
import { MemoryBroker } from "../../twins/memory-broker.ts";
import { MEMORY_PROGRAMS, MemoryHost, type MemoryProgram } from "../../twins/memory-spawner.ts";
import { emptyDisk, openMemoryStore } from "../../twins/memory-store.ts";
import { type Accepted, type Finding, type Harm, judge, written } from "./judge.ts";

/**
 * The same as rot-daemon.ts without processes: central is a whole daemon in this one, on files of a journal that rotted. Its
 * broker and its programs are in memory, and so is ship1, which takes all that central sends: what it runs is what was sent.
 */
const SHELL = "command.shellcommand";
const FINAL_WITHIN = 60_000;
/** After this long what was told is enough: a command of which the record is lost may stay open. */
const TOLD_WITHIN = 300;

interface Scene {
  readonly broker: MemoryBroker;
  readonly central: Daemon;
  /** Each program that began, one line. */
  readonly ran: readonly string[];
  readonly ship1: Daemon | undefined;
}

export class RottenCore {
  readonly #directory: string;
  readonly #image: ReadonlyMap<string, Buffer>;
  readonly #accepted: readonly Accepted[];

  private constructor(directory: string, image: ReadonlyMap<string, Buffer>, accepted: readonly Accepted[]) {
    this.#directory = directory;
    this.#image = image;
    this.#accepted = accepted;
  }

  static async make(directory: string): Promise<RottenCore> {
    const { central } = await sceneIn(directory, false);
    const { operations } = central;
    const accepted: Accepted[] = [];
    const accept = async (kind: Accepted["kind"], subject: string, words: readonly string[], program = "print") => {
      const drafts = words.map((word): Draft => ({ subject, data: [program, word], deliverBy: null }));
      const answers = await operations.submit(drafts);
      answers.forEach(({ id }, i) => {
        const data = JSON.stringify(drafts[i]?.data);
        accepted.push({ id, word: words[i] ?? "", kind, data, line: `${id} ${data}` });
      });
      return answers.map(({ id }) => id);
    };
    const are = (ids: readonly string[], state: string): Promise<boolean> =>
      eventuallySeen(`they are ${state}`, () => ids.every((id) => operations.message(id).state === state));
    const away = `ship1.${SHELL}.os`;
    await are(
      await accept("ended", `central.${SHELL}.free`, ["ended01", "ended02", "ended03", "ended04"]),
      "succeeded",
    );
    for (const id of await accept("withdrawn", away, ["withdrawn01", "withdrawn02"])) await operations.cancel(id);
    await accept("away", away, ["away01", "away02", "away03", "away04", "away05"]);
    await are(await accept("begun", `central.${SHELL}.ordered`, ["begun01"], "stay"), "running");
    await are(await accept("waits", `central.${SHELL}.ordered`, ["waits01", "waits02", "waits03"]), "received");
    // What was accepted a moment ago is in the log alone.
    await accept("away", away, ["away06", "away07"]);
    const image = imageOf(join(directory, "central", "journal"));
    await central.stop();
    return new RottenCore(directory, image, accepted);
  }

  get files(): ReadonlyMap<string, Buffer> {
    return this.#image;
  }

  get extents(): ReadonlyMap<string, number> {
    return new Map([...this.#image].map(([name, bytes]) => [name, written(bytes)]));
  }

  async try(harm: Harm | undefined): Promise<Finding> {
    const journal = join(this.#directory, "central", "journal");
    rmSync(join(this.#directory, "central"), { recursive: true, force: true });
    mkdirSync(journal, { recursive: true });
    for (const [name, bytes] of this.#image) {
      const content = name === harm?.file ? harm.to(Buffer.from(bytes)) : bytes;
      if (content === undefined) continue;
      writeFileSync(join(journal, name), content.subarray(0, written(content)));
      truncateSync(join(journal, name), content.length);
    }
    let scene: Scene;
    try {
      scene = await sceneIn(this.#directory, true);
    } catch (error) {
      return { started: false, told: false, wrong: [String(error)], lost: [] };
    }
    const { operations } = scene.central;
    const known = (id: string) => {
      try {
        return operations.message(id);
      } catch {
        return undefined;
      }
    };
    const isTold = (): boolean => operations.alerts().some(({ code }) => code.startsWith("journal-"));
    const since = performance.now();
    const look = (): boolean =>
      (performance.now() - since > TOLD_WITHIN && isTold()) ||
      this.#accepted.every(({ id }) => known(id)?.final === true);
    await eventuallySeen("all have ended", look, FINAL_WITHIN).catch(() => undefined);
    const finding = judge({
      accepted: this.#accepted,
      detail: known,
      told: isTold(),
      ran: scene.ran,
      runs: ["waits", "away"],
      ends: { ended: "succeeded", begun: "interrupted", waits: "succeeded", away: "succeeded", withdrawn: "cancelled" },
      isEarlier: harm?.earlier === true,
    });
    await scene.central.stop();
    await scene.ship1?.stop();
    return finding;
  }
}

const exit: MemoryProgram = async () => 1;
/** Each life has numbers of its own: a journal that is renewed gets another epoch. */
let lives = 0;

async function sceneIn(directory: string, hasShip: boolean): Promise<Scene> {
  const random = seededRandom(++lives);
  const broker = new MemoryBroker({ clock: systemClock, random });
  const ran: string[] = [];
  const { print = exit, stay = exit } = MEMORY_PROGRAMS;
  const noted =
    (play: MemoryProgram): MemoryProgram =>
    (program) => {
      ran.push(`${program.spec.id} ${JSON.stringify(program.spec.argv)}`);
      return play(program);
    };
  const start = (name: string, subscribe: readonly string[], nodes: readonly string[]): Promise<Daemon> => {
    const data = join(directory, name);
    mkdirSync(data, { recursive: true });
    const text = JSON.stringify({
      node: name,
      data,
      nodes,
      hello: "1s",
      broker: { servers: ["nats://memory:4222"] },
      subscribe: subscribe.map((domain) => ({
        subject: `${SHELL}.${domain}`,
        concurrency: domain === "ordered" ? 1 : 4,
      })),
    });
    const file = join(data, "steward.yaml");
    const checked = checkConfig(text, file, {});
    if (!("config" in checked)) throw new Error(JSON.stringify(checked.faults));
    const host = new MemoryHost(systemClock, { print: noted(print), stay: noted(stay) });
    return startDaemon({
      config: checked.config,
      parts: {
        random,
        log: worldLog([], () => true),
        // The files are at home wherever they are.
        openStore: (path) =>
          name === "central"
            ? openLmdbStore(path, systemClock, undefined, () => "home")
            : openMemoryStore(emptyDisk(), systemClock),
        openTransport: () => broker.connect(name),
        openSpawner: () => host.open(),
        boot: () => "boot",
        secluded: true,
      },
    });
  };
  const central = await start("central", ["free", "ordered"], ["ship1"]);
  return { broker, central, ran, ship1: hasShip ? await start("ship1", ["os"], []) : undefined };
}

function imageOf(directory: string): ReadonlyMap<string, Buffer> {
  const names = readdirSync(directory).filter((name) => name !== "lock.mdb");
  return new Map(names.map((name) => [name, readFileSync(join(directory, name))]));
}
