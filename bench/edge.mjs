import { execFileSync } from "node:child_process";
import { median, startCentral, startEdge, stopEdge } from "./parts.mjs";

/** What one idle edge costs: its resident memory, and the time from its start until central has heard its hello. */
export async function edge(world, { repeats }) {
  const central = await startCentral(world);
  const subscribe = [{ subject: "command.shellcommand.operatingsystem", from: ["central"] }];
  const ready = [];
  const resident = [];
  for (let i = 0; i < repeats; i++) {
    const started = await startEdge(world, central, subscribe);
    ready.push(started.readyMs);
    await new Promise((resolve) => setTimeout(resolve, 2000));
    resident.push(Number(execFileSync("ps", ["-o", "rss=", "-p", String(started.pid)], { encoding: "utf8" })) / 1024);
    await stopEdge(started);
  }
  return [
    {
      bench: "edge",
      idleRssMB: Math.round(median(resident)),
      readyMs: Math.round(median(ready)),
      spread: [Math.round(Math.min(...ready)), Math.round(Math.max(...ready))],
    },
  ];
}
