import { expect, test } from "vitest";
import { sampleNode } from "../../harness/fake-operations.ts";
import { type World, world } from "../world.ts";

async function fleet(more = 0): Promise<World> {
  const w = await world();
  w.ops.nodeList.splice(0);
  const now = w.ops.clock.now();
  const add = (name: string, fields: Parameters<typeof sampleNode>[2]) =>
    w.ops.nodeList.push(sampleNode(name, now, fields));
  add("central", { role: "self" });
  add("ship1", { labels: { class: "tanker", site: "rotterdam" } });
  add("ship2", { labels: { class: "tanker" }, link: "offline" });
  add("tug1", { labels: { class: "tug" } });
  for (let i = 0; i < more; i++) add(`x${1_000 + i}`, {});
  w.ops.factTable.set("ship1", { os: "debian", "os.version": "11", memory: 2 * 1024 ** 3 });
  w.ops.factTable.set("tug1", { os: "debian", "os.version": "9", addresses: ["10.0.0.5", "10.0.0.6"] });
  return w;
}

const sent = (w: World): unknown[] => w.ops.callsOf("submit").flatMap(({ args }) => args[0]);

test("run shows what an expression means before it sends, and sends to those nodes, whatever changes meanwhile", async () => {
  const w = await fleet();
  const { code, err } = await w.run(["run", "class=tanker", "--no-wait", "--", "uptime"]);
  expect(code).toBe(0);
  expect(err).toBe("class=tanker means 2 nodes, 1 of them away: ship1, ship2\n");
  expect(sent(w)).toMatchObject([{ to: "ship1,ship2", most: 2 }]);
  const lacking = await w.run(["run", "not site=rotterdam", "--no-wait", "--", "uptime"]);
  expect(lacking.err).toContain(
    "not site=rotterdam means 2 nodes, 1 of them away: ship2, tug1\nnone of them has site\n",
  );
});

test("run --dry-run shows nodes and bytes, and sends nothing", async () => {
  const w = await fleet();
  const { code, out, err } = await w.run(["run", "ship*", "--dry-run", "--", "uptime"]);
  expect([code, out]).toEqual([0, "ship1\nship2\n"]);
  expect(err).toContain(
    "ship* means 2 nodes, 1 of them away: ship1, ship2\n130 B to each, 260 B together, before compression\n",
  );
  const one = await w.run(["run", "ship1", "--dry-run", "--json", "--", "uptime"]);
  expect(JSON.parse(one.out)).toMatchObject({ type: "target", nodes: ["ship1"], away: 0, bytes: 130 });
  expect(sent(w)).toEqual([]);
});

test("run asks on a terminal before it sends to more nodes than limits.targets, and refuses elsewhere without --yes", async () => {
  const w = await fleet(60);
  const refused = await w.run(["run", "all", "--no-wait", "--", "uptime"]);
  expect(refused.code).toBe(2);
  expect(refused.err).toContain("all means 63 nodes, 1 of them away: ship1, ship2, tug1, x1000");
  expect(refused.err).toContain("and 53 more");
  expect(refused.err).toContain("all means 63 nodes, and 50 are allowed without a question (limits.targets)");
  expect(refused.err).toContain("Add --yes");
  for (const [typed, goes] of [
    ["n\n", false],
    ["\n", false],
    ["y\n", true],
    ["yes\n", true],
  ] as const) {
    const before = sent(w).length;
    const asked = await w.run(["run", "all", "--no-wait", "--", "uptime"], { columns: 100, terminal: typed });
    expect(asked.err).toContain("go on with 63 nodes? [y/N] ");
    expect([asked.code, sent(w).length - before]).toEqual(goes ? [0, 1] : [2, 0]);
  }
  expect((await w.run(["run", "all", "--yes", "--no-wait", "--", "uptime"])).code).toBe(0);
  // A list of so many names is many nodes too.
  const list = w.ops.nodeList.slice(1).map(({ name }) => name);
  expect((await w.run(["run", list.join(","), "--no-wait", "--", "uptime"])).code).toBe(2);
  expect((await w.run(["run", list.join(","), "--yes", "--no-wait", "--", "uptime"])).code).toBe(0);
});

test("a target that means nobody sends nothing, and the nearest name is told", async () => {
  const w = await fleet();
  const none = await w.run(["run", "class=tug and away", "--", "uptime"]);
  expect([none.code, none.err]).toMatchObject([2, expect.stringContaining("means no node: none of the 3 nodes")]);
  const slip = await w.run(["run", "not shp1", "--", "uptime"]);
  expect(slip.err).toContain("no node is called shp1 (did you mean ship1?)");
  const key = await w.run(["run", "not clas=tug", "--", "uptime"]);
  expect(key.err).toContain("at character 5: no node has a label or a fact clas; did you mean class?");
  expect(sent(w)).toEqual([]);
});

test("send takes targets in a file, and says where one is wrong", async () => {
  const w = await fleet();
  const file = (to: string) => `{to: ${to}, command: shellcommand, domain: os, data: [id]}`;
  expect((await w.run(["send", "-"], { stdin: file("'class=tanker'") })).code).toBe(0);
  expect(sent(w)).toMatchObject([{ to: "class=tanker", subject: "command.shellcommand.os" }]);
  const wrong = await w.run(["send", "-"], { stdin: file("'class='") });
  expect([wrong.code, wrong.err]).toMatchObject([2, expect.stringContaining("standard input:1:6")]);
});

test("nodes are filtered, shown by columns and sorted as the values are: versions, numbers, those without last", async () => {
  const w = await fleet();
  const columns = ["--columns", "node,labels,os.version,memory"];
  const { code, out } = await w.run(["nodes", "--filter", "class=*", "--sort", "os.version", ...columns]);
  expect([code, out]).toEqual([
    0,
    [
      "NODE   LABELS                        OS.VERSION  MEMORY",
      "tug1   class=tug                     9           -",
      "ship1  class=tanker, site=rotterdam  11          2.0 GB",
      "ship2  class=tanker                  -           -",
      "",
    ].join("\n"),
  ]);
  const names = async (...args: string[]) =>
    (JSON.parse((await w.run(["nodes", "--json", ...args])).out) as { name: string }[]).map(({ name }) => name);
  expect(await names("--sort", "-os.version")).toEqual(["ship1", "tug1", "central", "ship2"]);
  expect(await names("--filter", "online", "--sort", "-node")).toEqual(["tug1", "ship1", "central"]);
  expect(await names("--filter", "offline and class=tug")).toEqual([]);
  expect((await w.run(["nodes", "--filter", "class="])).code).toBe(2);
});

test("label gives and takes back, shows whose word each is, and refuses what is no label", async () => {
  const w = await fleet();
  const { code, out } = await w.run(["label", "ship*", "fleet=north", "site-"]);
  expect(code).toBe(0);
  expect(w.ops.callsOf("label")[0]?.args[0]).toEqual({
    to: "ship1,ship2",
    labels: { fleet: "north", site: null },
    most: 2,
  });
  expect(out).toContain("ship1  fleet  north");
  expect((await w.run(["label", "tug1"])).out).toBe(
    "NODE  LABEL  VALUE  BY    GIVEN\ntug1  class  tug    tug1  in its file\n",
  );
  for (const words of [["fleet=new york"], ["fleet"], ["fleet="], ["=x"], ["a=1", "a-"], ["online=1"], ["a\u001b=1"]]) {
    const refused = await w.run(["label", "ship1", ...words]);
    expect([refused.code, refused.err]).toMatchObject([2, expect.stringContaining("this label cannot be given: ")]);
    expect(refused.err).not.toContain("\u001b");
  }
  expect(w.ops.callsOf("label")).toHaveLength(1);
});

test("facts are shown with since when each is so, and what changed", async () => {
  const w = await fleet();
  const now = w.ops.clock.now();
  w.ops.factChanges = [{ at: now - 60_000, key: "os.version", from: "10", to: "11" }];
  const { code, out } = await w.run(["facts", "ship1"]);
  expect(code).toBe(0);
  expect(out).toContain("as of  1 s ago, the last sign of life\n");
  expect(out).toContain("memory      1 h    2.0 GB\n");
  expect((await w.run(["facts", "ship1", "--diff"])).out).toBe(
    "CHANGED    FACT        FROM  TO\n1 min ago  os.version  10    11\n",
  );
  expect(JSON.parse((await w.run(["facts", "ship1", "--json"])).out)).toMatchObject({ node: "ship1" });
  const unknown = await w.run(["facts", "shp1"]);
  expect([unknown.code, unknown.err]).toMatchObject([2, expect.stringContaining("did you mean ship1?")]);
});
