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
    atTime: "1970-01-01T00:00:01.000Z",
    arguments: ["uname"],
    prev: "",
  },
  {
    no: 2,
    at: 2_000,
    what: "operation",
    operation: "hold",
    by: "bob",
    allowed: true,
    target: "ship2",
    job: "JOB1",
    prev: "",
  },
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
    expect(text).not.toContain("atTime");
    expect(shown.find("a", "JOB1").getAttribute("href")).toBe("/jobs/JOB1");
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

  it("is asked about one message or job, which its address names", async () => {
    const { shown, asked } = await openRoom("/inspection?tab=audit&message=01M8", h(Inspection, {}), {
      "GET /v1/audit": [],
    });
    expect(asked.find(({ route }) => route === "GET /v1/audit")?.query.get("message")).toBe("01M8");
    expect(shown.textContent).toContain("steward audit --message 01M8");
  });

  it("reads older ones page by page, further than any single answer, and new ones as they come", async () => {
    const all = Array.from({ length: 450 }, (_, i) => ({ ...RECORDS[0], no: i + 1, at: i + 1, by: `p${i + 1}.` }));
    const { shown, asked, pass } = await openRoom("/inspection?tab=audit", h(Inspection, {}), {
      "GET /v1/audit": ({ query }: { query: URLSearchParams }) => {
        const [after = 0, before = 1e9, limit = 100] = ["after", "before", "limit"].map((name) =>
          query.has(name) ? Number(query.get(name)) : undefined,
        );
        return all.filter(({ no }) => no > after && no < before).slice(-limit);
      },
    });
    const foot = () => shown.find("table").parentNode?.parentNode?.textContent ?? "";
    expect(foot()).toContain("200 records");
    for (const count of ["400 records", "450 records, all that there are"]) {
      shown.find("button", "load older ones").fire("click");
      await pass(2_500);
      expect(foot()).toContain(count);
    }
    all.push({ ...RECORDS[0], no: 451, at: 451, by: "p451." } as (typeof all)[number]);
    await pass(10_100);
    const rows = shown.find("tbody").textContent;
    expect(rows.match(/p\d+\./g)).toEqual(Array.from({ length: 451 }, (_, i) => `p${451 - i}.`));
    expect(shown.has("button", "load older ones")).toBe(false);
    // Records never change: each was asked for once, and the new ones behind the last.
    expect(asked.flatMap(({ query }) => query.get("before") ?? [])).toEqual(["251", "51"]);
    expect(asked.at(-1)?.query.get("after")).toBe("450");
  });

  it.each(["audit", "history", "who"])("is found by the word %s", (word) => {
    expect(choices(word, []).map(({ url }) => url)).toContain("/inspection?tab=audit");
  });
});
