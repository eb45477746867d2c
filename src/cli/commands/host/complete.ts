import type { Command } from "commander";
import type { Cli } from "../../cli.ts";
import type { Runner } from "../../command.ts";
import { type Place, placeAt, type Word } from "../../completion/grammar.ts";
import { type Daemon, everyNode } from "../../daemon.ts";
import { linkWord, messageWord } from "../../render/states.ts";
import { visible } from "../../render/text.ts";

/** Milliseconds that a shell waits at most. */
const PATIENCE = 300;

/** The command that the completion scripts call: prints `word<TAB>meaning` lines, `:files`, or no line. */
export function addComplete(program: Command, run: Runner): void {
  program
    .command("__complete", { hidden: true })
    .argument("[words...]")
    .action(
      run<object>(async (cli, _options, words) => {
        const { place, before, command } = placeAt(program, words);
        const current = words.at(-1) ?? "";
        if (place.kind === "file") {
          cli.print(":files");
          return undefined;
        }
        const known = place.kind === "words" ? place.words : await ask(cli, place, before, command.name(), current);
        for (const { text, summary } of known.filter((word) => word.text.startsWith(current))) {
          cli.print(summary === "" ? text : `${text}\t${visible(summary).replace(/\t/g, " ")}`);
        }
        return undefined;
      }),
    );
}

async function ask(
  cli: Cli,
  place: Place,
  before: readonly string[],
  command: string,
  current: string,
): Promise<readonly Word[]> {
  const { clock } = cli.io;
  return new Promise((resolve) => {
    const timer = clock.setTimeout(() => resolve([]), PATIENCE);
    const done = (words: readonly Word[]): void => {
      clock.clearTimeout(timer);
      resolve(words);
    };
    cli
      .daemon()
      .then((daemon) => answers(daemon, place, before, command, current))
      .then(done, () => done([]));
  });
}

async function answers(
  daemon: Daemon,
  place: Place,
  before: readonly string[],
  command: string,
  current: string,
): Promise<readonly Word[]> {
  switch (place.kind) {
    case "node":
      return nodeWords(daemon);
    case "target": {
      // `ship1,sh<TAB>`: the list so far stays.
      const comma = current.lastIndexOf(",") + 1;
      const named = current.slice(0, comma);
      const taken = new Set(named.split(","));
      const nodes = (await nodeWords(daemon)).filter(({ text }) => !taken.has(text));
      const all = comma === 0 ? [{ text: "all", summary: "every edge node" }] : [];
      return [...nodes.map(({ text, summary }) => ({ text: named + text, summary })), ...all];
    }
    case "subject":
      return (await daemon.processes(before[0] === undefined ? {} : { node: before[0] })).processes.map(
        ({ subject, role, state }) => ({
          text: subject,
          summary: `${role}, ${state}`,
        }),
      );
    case "message": {
      const filter = command === "cancel" ? { open: true, limit: 100 } : { limit: 100 };
      const messages = await daemon.messages(filter);
      return messages
        .map(({ id, state, summary }) => ({ text: id, summary: `${messageWord(state)}: ${summary}` }))
        .reverse();
    }
    case "deadLetter":
      return (await daemon.dead()).map(({ id, summary }) => ({ text: id, summary }));
    default:
      return [];
  }
}

async function nodeWords(daemon: Daemon): Promise<Word[]> {
  return (await everyNode(daemon)).map(({ name, link }) => ({ text: name, summary: linkWord(link) }));
}
