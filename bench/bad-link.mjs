import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { badLink } from "./bad-link-proxy.mjs";
import { median, startCentral, startEdge } from "./parts.mjs";

const LINK = { delayMs: 300, bytesPerSecond: 8_000, loss: 0.02 };
/** How long the log is measured, ms, once its first lines have come; and the time between two urgent commands. */
const MEASURED = 60_000;
const URGENT_EVERY = 5_000;
const LOG_BYTES = 5 * 1024 * 1024;
const FINAL = new Set(["succeeded", "failed", "rejected", "expired", "interrupted", "timedOut", "cancelled"]);

/**
 * An edge behind a link of 600 ms there and back, 64 kbit/s and 2 % of lost packets, with 5 MB of log to send: the share of the
 * link that arrives as lines at central, and how long an urgent command takes meanwhile, from `submit` to its outcome.
 */
export async function badLinkRow(world) {
  const link = await badLink(world, { ...LINK, url: world.url });
  const central = await startCentral(world, [{ subject: "event.syslogforwarding.app" }]);
  const file = join(world.directory, "app.log");
  await writeFile(file, "");
  const edge = {
    broker: { servers: [link.url] },
    link: "gsm",
    publish: [{ subject: "central.event.syslogforwarding.app", tail: file }],
  };
  await startEdge(world, central, [], edge);
  const quiet = [];
  for (let i = 0; i < 3; i++) quiet.push(await urgent(central));
  let bytes = 0;
  let first;
  const begun = new Promise((resolve) => {
    first = resolve;
  });
  const unwatch = central.operations.watch((happening) => {
    if (happening.type !== "log") return;
    for (const text of happening.lines) bytes += text.length;
    first();
  });
  // Lines that hardly deflate: half of their characters are random.
  let text = "";
  while (text.length < LOG_BYTES) text += `app[17]: ${randomBytes(80).toString("base64")}\n`;
  await writeFile(file, text);
  await begun;
  const [arrived, passed, began] = [bytes, link.passed.toServer, performance.now()];
  const took = [];
  while (performance.now() - began < MEASURED) {
    const asked = performance.now();
    took.push(await urgent(central));
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, asked + URGENT_EVERY - performance.now())));
  }
  const seconds = (performance.now() - began) / 1000;
  unwatch();
  const share = (count) => Number((count / seconds / LINK.bytesPerSecond).toFixed(3));
  return [
    {
      bench: "bad-link",
      ...LINK,
      seconds: Math.round(seconds),
      goodput: share(bytes - arrived),
      wire: share(link.passed.toServer - passed),
      urgentMs: Math.round(median(took)),
      worstUrgentMs: Math.round(Math.max(...took)),
      idleUrgentMs: Math.round(median(quiet)),
    },
  ];
}

/** Milliseconds until the outcome of a command whose lane is an urgent one. */
async function urgent(central) {
  const began = performance.now();
  const ended = new Map();
  let settle = () => undefined;
  const unwatch = central.operations.watch((happening) => {
    if (happening.type !== "message" || !FINAL.has(happening.state)) return;
    ended.set(happening.id, performance.now());
    settle();
  });
  const data = { id: "01M8NQJTB0NCN88R348KBRCDSP" };
  const [{ id }] = await central.operations.submit([
    { subject: "ship1.command.cancel.steward", data, deliverBy: null },
  ]);
  await new Promise((resolve) => {
    settle = () => ended.has(id) && resolve();
    settle();
  });
  unwatch();
  return ended.get(id) - began;
}
