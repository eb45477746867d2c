import { h } from "preact";
import { describe, expect, it } from "vitest";
import { Inspection } from "../../src/dashboard/pages/inspection/inspection.tsx";
import { choices } from "../../src/dashboard/shell/palette.tsx";
import { openRoom } from "./page-room.ts";

const RECORDS = [
  {
    no: 1,
    at: 1_000,
    what: "submit",
    by: "ann",
    allowed: true,
    subject: "command.shellcommand.os",
    nodes: ["ship1"],
    ids: ["ID1"],
    arguments: ["uname"],
    prev: "",
  },
  { no: 2, at: 2_000, what: "operation", operation: "hold", by: "bob", allowed: true, target: "ship2", prev: "" },
  {
    no: 3,
    at: 3_000,
    what: "decision",
    by: "eve",
    allowed: false,
    why: "from is [central] (steward.yaml:12)",
    prev: "",
  },
];

describe("the audit on the page", () => {
  it("says who asked for what, for which nodes, what was decided and why, the newest first", async () => {
    const { shown } = await openRoom("/inspection?tab=audit", h(Inspection, {}), { "GET /v1/audit": RECORDS });
    const text = shown.find("tbody").textContent;
    expect(text.indexOf("eve")).toBeLessThan(text.indexOf("ann"));
    expect(text).toMatch(/eve.*refused.*from is \[central\]/);
    expect(text).toMatch(/bob.*operation hold.*target "ship2"/);
    expect(text).toMatch(/ann.*command\.shellcommand\.os.*uname.*ID1.*ship1/);
    expect(shown.textContent).toContain("steward audit");
  });

  it("asks the daemon for what its filters say, and copies the command that does the same", async () => {
    const { shown, asked } = await openRoom(
      "/inspection?tab=audit&by=ann&about=ship1&refused=1&since=1d",
      h(Inspection, {}),
      {
        "GET /v1/audit": [],
      },
    );
    const query = asked.find(({ route }) => route === "GET /v1/audit")?.query;
    expect([query?.get("by"), query?.get("subject"), query?.get("refused")]).toEqual(["ann", "ship1", "true"]);
    expect(shown.textContent).toContain("steward audit --by ann --subject ship1 --refused --since 1d");
    expect(shown.textContent).toContain("No record of the audit fits these filters.");
  });

  it.each(["audit", "history", "who"])("is found by the word %s", (word) => {
    expect(choices(word, []).map(({ url }) => url)).toContain("/inspection?tab=audit");
  });
});
