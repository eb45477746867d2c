import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type CampaignOptions, campaign, replay, shortened, story, type Total } from "./campaign.ts";
import { tryMutations } from "./mutations/try.ts";
import { ALL_FAULTS, DEFAULT_FAULTS, FAULTS, type Fault, isFault } from "./script.ts";

/** The command line of the simulator. The last line of its output is one line of JSON; the exit code follows it. */
const USAGE = `usage: npm run simulate -- [options]
  --seed N          the first seed (default 1)
  --seeds N         how many (default 100)
  --nodes N         nodes beside central (default 2)
  --faults A,B,…    which faults; \`default\` and \`all\` stand for several
  --until-failure   end with the first seed that fails
  --no-shrink       do not look for a shorter script that fails
  --json            nothing but the last line on the output
  --mutations       break the promises on purpose, one after the other, and see each found
  --only A,B,…      of the mutations these alone
faults:
${ALL_FAULTS.map((name) => `  ${name.padEnd(10)} ${FAULTS[name].means}${FAULTS[name].byDefault ? "" : " (not by default)"}`).join("\n")}
`;

/** A line on the progress, every so many milliseconds. */
const TELL_EVERY = 3_000;

/** Plays what the arguments say; resolves with the exit code. `root`: the checkout. */
export async function simulate(args: readonly string[], root: string): Promise<number> {
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  const asked = read(args);
  if (typeof asked === "string") {
    say(`${asked}\n${USAGE}`);
    return 2;
  }
  if (asked.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (asked.mutations) return await tryMutations(root, (line) => void process.stdout.write(`${line}\n`), asked.only);

  const print = (text: string): void => (asked.json ? say(text) : void process.stdout.write(`${text}\n`));
  const directory = await mkdtemp(join(tmpdir(), "steward-simulation-"));
  const started = performance.now();
  let told = started;
  let interrupted = false;
  const interrupt = (): void => {
    interrupted = true;
  };
  process.once("SIGINT", interrupt);
  try {
    const options: CampaignOptions = {
      ...asked,
      directory,
      failed: async (failure) => {
        print(replay(failure, asked));
        print(story(asked.shrink && !interrupted ? await shortened(failure, directory) : failure));
      },
      goOn: (total) => {
        if (performance.now() - told > TELL_EVERY) {
          told = performance.now();
          say(`${total.seeds} of ${asked.seeds} seeds, ${total.messages} messages, ${total.violations} violations`);
        }
        return !interrupted;
      },
    };
    const { total, simulated } = await campaign(options);
    const seconds = (performance.now() - started) / 1000;
    say(
      `${hours(simulated)} simulated in ${seconds.toFixed(1)} s, ${((1000 * seconds) / total.seeds).toFixed(0)} ms a seed`,
    );
    process.stdout.write(`${line(total)}\n`);
    return total.lost + total.doubled + total.violations > 0 ? 1 : 0;
  } finally {
    process.off("SIGINT", interrupt);
    await rm(directory, { recursive: true, force: true });
  }
}

function line({ seeds, messages, ok, lost, doubled, unknown, violations }: Total): string {
  return JSON.stringify({ seeds, messages, ok, lost, doubled, unknown, violations });
}

function hours(ms: number): string {
  return `${(ms / 3_600_000).toFixed(1)} h`;
}

interface Asked {
  readonly first: number;
  readonly seeds: number;
  readonly nodes: number;
  readonly faults: readonly Fault[];
  readonly untilFailure: boolean;
  readonly shrink: boolean;
  readonly json: boolean;
  readonly mutations: boolean;
  readonly only: string;
  readonly help: boolean;
}

/** A string says what is wrong. */
function read(args: readonly string[]): Asked | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        seed: { type: "string", default: "1" },
        seeds: { type: "string", default: "100" },
        nodes: { type: "string", default: "2" },
        faults: { type: "string", default: "default" },
        "until-failure": { type: "boolean", default: false },
        "no-shrink": { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        mutations: { type: "boolean", default: false },
        only: { type: "string", default: "" },
        help: { type: "boolean", default: false },
      },
    });
    return {
      first: whole("seed", values.seed, 0),
      seeds: whole("seeds", values.seeds, 1),
      nodes: whole("nodes", values.nodes, 1),
      faults: faultsOf(values.faults),
      untilFailure: values["until-failure"],
      shrink: !values["no-shrink"],
      json: values.json,
      mutations: values.mutations,
      only: values.only,
      help: values.help,
    };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function whole(name: string, text: string, least: number): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < least)
    throw new Error(`--${name} ${text} is not a whole number from ${least}`);
  return number;
}

function faultsOf(text: string): Fault[] {
  const names = text.split(",").flatMap((name): readonly string[] => {
    if (name === "all") return ALL_FAULTS;
    return name === "default" ? DEFAULT_FAULTS : [name];
  });
  return names.map((name) => {
    if (!isFault(name)) throw new Error(`there is no fault ${JSON.stringify(name)}`);
    return name;
  });
}
