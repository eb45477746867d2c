import type { NodeView } from "../../src/runtime/operate/table/nodes.ts";

/** A node of a list, well and idle. */
export const nodeView = (name: string, more: Partial<NodeView> = {}): NodeView => ({
  name,
  role: "edge",
  link: "online",
  linkSince: 0,
  cause: "a frame",
  session: "live",
  work: "idle",
  trust: "accepted",
  storage: "ok",
  lastSeenAt: 0,
  asOf: 0,
  waiting: 0,
  waitingBytes: 0,
  oldestCreatedAt: null,
  running: 0,
  bytesOut: 0,
  bytesIn: 0,
  ...more,
});
