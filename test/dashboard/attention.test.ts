import { h } from "preact";
import { describe, expect, it } from "vitest";
import { Attention } from "../../src/dashboard/pages/attention/attention.tsx";
import { theStore } from "../../src/dashboard/store/store.ts";
import { nodeView } from "./node-view.ts";
import { openRoom } from "./page-room.ts";

const health = (alertRules: number) => ({
  ...{
    node: "central",
    ok: true,
    version: "1",
    startedAt: 1,
    asOf: Date.now(),
    security: "sealed",
    quarantined: [],
    stuck: [],
  },
  ...{ broker: { state: "connected", since: 1 }, journal: { state: "ok", bytes: 1, limit: 2 }, alertRules },
});
const failed = { id: "ID1", subject: "ship1.command.shellcommand.os", state: "failed" };

const openAttention = async (rules: number, more: Record<string, unknown> = {}) => {
  const room = await openRoom("/attention", h(Attention, {}), {
    "GET /healthz": health(rules),
    "GET /v1/alerts/open": [],
    "GET /v1/alerts": [],
    "GET /v1/dead": [],
    "GET /v1/messages": [],
    ...more,
  });
  await theStore().health.refresh();
  await room.pass(100);
  return room;
};

describe("attention", () => {
  it("tells that no rule is set from that none has found anything", async () => {
    const none = await openAttention(0);
    expect(none.shown.textContent).toContain("No alert rules are set");
    const two = await openAttention(2);
    expect(two.shown.textContent).toContain("None of 2 rules has found anything");
  });

  it("is no all-clear while a node is away and a command has failed: each is a link to its list", async () => {
    const { shown } = await openAttention(0, {
      "GET /v1/nodes": [nodeView("ship1"), nodeView("ship2", { link: "offline" })],
      "GET /v1/messages": ({ query }: { query: URLSearchParams }) =>
        query.get("state") === "failed"
          ? [
              { ...failed, since: Date.now() },
              { ...failed, since: 1 },
            ]
          : [],
    });
    const links = [...shown.all()].filter(({ localName }) => localName === "a");
    const urlOf = (text: string) => links.find((link) => link.textContent === text)?.getAttribute("href");
    expect(urlOf("1 node is away")).toBe("/?show=away");
    expect(urlOf("1 command failed in the last day")).toBe("/messages?state=failed");
  });
});
