import { readdirSync, readFileSync } from "node:fs";
import { median, startCentral, startEdge, stopEdge } from "./parts.mjs";

/** What one idle edge costs: its resident memory, and the time from its start until central has heard its hello. */
export async function edge(world, { repeats }) {
  const central = await startCentral(world);
  const subscribe = [{ subject: "command.shellcommand.operatingsystem", from: ["central"] }];
  const ready = [];
  const [resident, share, withRunner] = [[], [], []];
  for (let i = 0; i < repeats; i++) {
    const started = await startEdge(world, central, subscribe);
    ready.push(started.readyMs);
    await new Promise((resolve) => setTimeout(resolve, 2000));
    resident.push(memoryOf(started.pid, "Rss"));
    share.push(memoryOf(started.pid, "Pss"));
    await commanded(central);
    withRunner.push([started.pid, ...childrenOf(started.pid)].reduce((sum, pid) => sum + memoryOf(pid, "Rss"), 0));
    await stopEdge(started);
  }
  return [
    {
      bench: "edge",
      idleRssMB: Math.round(median(resident)),
      idlePssMB: Math.round(median(share)),
      allRssMB: Math.round(median(withRunner)),
      readyMs: Math.round(median(ready)),
      spread: [Math.round(Math.min(...ready)), Math.round(Math.max(...ready))],
    },
  ];
}

/** Runs one command there, which starts the runner. */
async function commanded(central) {
  const ended = new Promise((resolve) => {
    const unwatch = central.operations.watch((happening) => {
      if (happening.type !== "message" || happening.state !== "succeeded") return;
      unwatch();
      resolve();
    });
  });
  await central.operations.submit([{ subject: "ship1.command.shellcommand.operatingsystem", data: ["true"] }]);
  await ended;
}

/** Megabytes of a process: `Rss`, all that is resident; `Pss`, with pages that others have too counted in part. */
function memoryOf(pid, kind) {
  const found = new RegExp(`^${kind}:\\s+(\\d+) kB`, "m").exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"));
  return Number(found?.[1] ?? 0) / 1024;
}

/** The processes that this one started and that live, with those that they started; the runner is on its own, and knows its daemon. */
export function childrenOf(parent) {
  const parents = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [[Number(pid), Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ")[1])]];
      } catch {
        return [];
      }
    });
  const found = [parent];
  for (const of of found) found.push(...parents.filter(([, by]) => by === of).map(([pid]) => pid));
  return found.slice(1);
}
