import { readFile } from "node:fs/promises";
import type { Draft } from "../../../src/message/draft.ts";
import type { Fleet } from "../../harness/fleet/fleet.ts";

/**
 * What commands really did, seen from outside of the product: each run appends lines to a file of its own, each in one
 * write that is on the disk when it returns. `ran` is written by every run, `ended` by those that take a while.
 */
export interface Ledger {
  /** A command that leaves its line; with `seconds` it goes on for so long, and outlives its daemon. */
  draft(node: string, options?: DraftOptions): Draft;
  lines(): Promise<readonly LedgerLine[]>;
  /** The ids that ran, in the order of their lines. */
  ran(): Promise<readonly string[]>;
}

export interface DraftOptions {
  readonly domain?: string;
  readonly seconds?: number;
  /** Shell text that is run after its line is written. */
  readonly after?: string;
  readonly deliverBy?: number | null;
  readonly timeout?: number;
}

export interface LedgerLine {
  readonly id: string;
  readonly what: "ran" | "ended";
}

/** Printed by every command of a ledger that came to its end. */
export const LAST_WORD = "done\n";

export function ledgerOf(fleet: Fleet, name = "ledger"): Ledger {
  const file = fleet.file(name);
  const record = (what: string): string =>
    `echo "$STEWARD_RUN ${what}" | dd of=${file} oflag=append conv=notrunc,fsync status=none`;
  const lines = async (): Promise<LedgerLine[]> => {
    const text = await readFile(file, "utf8").catch(() => "");
    return text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => {
        const [id = "", what = ""] = line.split(" ");
        if (what !== "ran" && what !== "ended") throw new Error(`the ledger has a line ${JSON.stringify(line)}`);
        return { id, what };
      });
  };
  return {
    draft: (node, { domain = "operatingsystem", seconds, after, deliverBy, timeout } = {}) => {
      const steps = [
        record("ran"),
        ...(after === undefined ? [] : [after]),
        ...(seconds === undefined ? [] : [`sleep ${seconds}`, record("ended")]),
        "echo done",
      ];
      return {
        subject: `${node}.command.shellcommand.${domain}`,
        data: ["sh", "-c", steps.join("; ")],
        ...(deliverBy === undefined ? {} : { deliverBy }),
        ...(timeout === undefined ? {} : { timeout }),
      };
    },
    lines,
    ran: async () => (await lines()).filter(({ what }) => what === "ran").map(({ id }) => id),
  };
}
