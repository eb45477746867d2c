import { describe, expect, it } from "vitest";
import { type Client, openClient, Refusal, sentenceOf } from "../../src/dashboard/store/client.ts";
import { EventText } from "../../src/dashboard/store/event-text.ts";
import type { Happening } from "../../src/dashboard/store/happenings.ts";
import { linkWord } from "../../src/dashboard/store/link.ts";
import { NodeMirror } from "../../src/dashboard/store/node-mirror.ts";
import { notesOf, sorted } from "../../src/dashboard/store/node-order.ts";
import { Resource } from "../../src/dashboard/store/resource.ts";
import { Stream } from "../../src/dashboard/store/stream.ts";
import type { NodeView } from "../../src/runtime/operate/table/nodes.ts";
import { FakeTime, settled } from "./fake-time.ts";
import { nodeView as node } from "./node-view.ts";

describe("the freshness of the page", () => {
  it("is live only while the stream is open and heard, and stale once nothing came for long", () => {
    const word = (stream: "live" | "waiting" | "refused" | "opening", silent: number) =>
      linkWord({ stream, heardAt: 1_000, now: 1_000 + silent });
    expect(word("live", 4_000)).toBe("live");
    expect(word("live", 40_000)).toBe("stale");
    expect(word("waiting", 2_000)).toBe("reconnecting");
    expect(word("waiting", 12_000)).toBe("stale");
    expect(word("refused", 0)).toBe("signed out");
    expect(linkWord({ stream: "opening", heardAt: 0, now: 5 })).toBe("connecting");
  });
});

describe("the text of a stream", () => {
  it("is cut into events, whatever the sizes in which it comes", () => {
    const text = 'event: node\nid: 7\ndata: {"a":1}\n\n: heartbeat\n\nevent: gap\r\ndata: {}\r\n\r\n';
    const whole = new EventText().take(text);
    const single = new EventText();
    const bySingle = [...text].flatMap((character) => single.take(character));
    expect(whole).toEqual([
      { type: "node", id: "7", data: '{"a":1}' },
      { type: "gap", data: "{}" },
    ]);
    expect(bySingle).toEqual(whole);
  });
});

/** A server of streams: each opening is a controller to write to. */
class Streams {
  readonly opened: {
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    write(text: string): void;
    end(): void;
    aborted: boolean;
  }[] = [];
  status = 200;
  /** An opening waits for `answerAll`. */
  hangs = false;
  readonly #waiting: (() => void)[] = [];

  answerAll(): void {
    for (const answer of this.#waiting.splice(0)) answer();
  }

  readonly fetch = (url: string, init: RequestInit = {}): Promise<Response> => {
    if (this.status === 0) return Promise.reject(new TypeError("no network"));
    if (this.status !== 200) return Promise.resolve(new Response("{}", { status: this.status }));
    let control: ReadableStreamDefaultController<Uint8Array> | undefined;
    const body = new ReadableStream<Uint8Array>({
      start: (given) => {
        control = given;
      },
    });
    const entry = {
      url,
      headers: init.headers as Record<string, string>,
      write: (text: string) => control?.enqueue(new TextEncoder().encode(text)),
      end: () => control?.close(),
      aborted: false,
    };
    init.signal?.addEventListener("abort", () => {
      if (entry.aborted) return;
      entry.aborted = true;
      control?.error(new Error("aborted"));
    });
    this.opened.push(entry);
    const response = new Response(body, { status: 200 });
    if (!this.hangs) return Promise.resolve(response);
    return new Promise((resolve) => void this.#waiting.push(() => resolve(response)));
  };
}

function streamRoom() {
  const time = new FakeTime();
  const server = new Streams();
  const told: string[] = [];
  const stream = new Stream({
    time,
    fetch: server.fetch,
    state: (state) => told.push(state),
    heard: () => undefined,
    happened: (happening) => told.push(happening.type),
    gap: (types) => told.push(`gap of ${types.join(" and ")}`),
  });
  return { time, server, told, stream };
}

describe("the stream", () => {
  it("comes back by itself, asks for what it missed, and says that all has to be read again", async () => {
    const { time, server, told, stream } = streamRoom();
    stream.want(["node"]);
    await time.pass(0);
    server.opened[0]?.write('event: node\nid: 9\ndata: {"type":"node"}\n\n');
    await time.pass(0);
    server.opened[0]?.end();
    await time.pass(0);
    expect(told.slice(2)).toEqual(["node", "waiting"]);
    await time.pass(400);
    expect(server.opened[1]?.headers["last-event-id"]).toBe("9");
    expect(told.slice(4)).toEqual(["live", "gap of node"]);
  });

  it("that is open for the first time says that all has to be read again: an answer may be from before it", async () => {
    const { time, told, stream } = streamRoom();
    stream.want(["job", "node"]);
    await time.pass(0);
    expect(told).toEqual(["live", "gap of job and node"]);
  });

  it("that is silent for too long is given up: a network that was cut tells nobody", async () => {
    const { time, server, told, stream } = streamRoom();
    stream.want(["node"]);
    await time.pass(0);
    server.opened[0]?.write('event: heartbeat\ndata: {"asOf":1}\n\n');
    await time.pass(11_000);
    expect(told.slice(2)).toEqual([]);
    server.status = 0;
    await time.pass(2_000);
    expect(told[2]).toBe("waiting");
    server.status = 200;
    await time.pass(6_000);
    expect(told.at(-2)).toBe("live");
  });

  it("with other types is open before the last one is closed, and says what is streamed only now", async () => {
    const { time, server, told, stream } = streamRoom();
    stream.want(["node"]);
    await time.pass(0);
    stream.want(["node", "output"]);
    expect(server.opened[0]?.aborted).toBe(false);
    await time.pass(0);
    expect(server.opened[1]?.url).toBe("/v1/events?types=node,output");
    expect(server.opened[0]?.aborted).toBe(true);
    await time.pass(5_000);
    expect(told.slice(2)).toEqual(["live", "gap of output"]);
    stream.want(["node"]);
    await time.pass(0);
    expect(told.slice(4)).toEqual(["live"]);
  });

  it("with other types that takes the place of one which ended meanwhile has missed all", async () => {
    const { time, server, told, stream } = streamRoom();
    stream.want(["node"]);
    await time.pass(0);
    server.hangs = true;
    stream.want(["node", "output"]);
    await time.pass(0);
    server.opened[0]?.end();
    await time.pass(0);
    server.answerAll();
    await time.pass(0);
    expect(told.slice(2)).toEqual(["live", "gap of node and output"]);
  });

  it("is given up while nobody looks, whatever is wanted, and is open again at once with what was missed when somebody does", async () => {
    const { time, server, told, stream } = streamRoom();
    stream.want(["node"]);
    await time.pass(0);
    stream.rest();
    await time.pass(0);
    expect(server.opened[0]?.aborted).toBe(true);
    stream.want(["log", "node"]);
    await time.pass(60_000);
    expect(server.opened).toHaveLength(1);
    expect(told.slice(2)).toEqual(["waiting"]);
    stream.retry();
    await time.pass(0);
    expect(server.opened[1]?.url).toContain("types=log,node");
    expect(told.slice(3)).toEqual(["live", "gap of log and node"]);
  });

  it("of a daemon that does not know the browser is not asked again until somebody logged in", async () => {
    const { time, server, told, stream } = streamRoom();
    server.status = 401;
    stream.want(["node"]);
    await time.pass(60_000);
    expect(told).toEqual(["refused"]);
    server.status = 200;
    stream.retry();
    await time.pass(0);
    expect(told.slice(0, 2)).toEqual(["refused", "live"]);
  });
});

describe("an answer that is kept up to date", () => {
  it("stays with its fault beside it when it cannot be read again, and never looks empty", async () => {
    const time = new FakeTime();
    let fails = false;
    const resource = new Resource(
      { load: async () => (fails ? Promise.reject(new Refusal("x", "it is gone")) : ["a"]), every: 1_000 },
      time,
    );
    await settled();
    expect(resource.reading.value.value).toEqual(["a"]);
    fails = true;
    await time.pass(1_000);
    expect(resource.reading.value).toMatchObject({ value: ["a"], fault: "it is gone" });
    fails = false;
    await time.pass(1_000);
    expect(resource.reading.value.fault).toBeUndefined();
  });

  it("is read once for many happenings, and once more for those that came meanwhile", async () => {
    const time = new FakeTime();
    let loads = 0;
    const resource = new Resource({ load: async () => ++loads, on: () => true, atMost: 500 }, time);
    await settled();
    for (let i = 0; i < 100; i++) resource.happened({ type: "alert" } as Happening);
    await time.pass(499);
    expect(loads).toBe(1);
    await time.pass(1);
    expect(loads).toBe(2);
    resource.close();
    resource.happened({ type: "alert" } as Happening);
    await time.pass(5_000);
    expect(loads).toBe(2);
  });
});

describe("a reading that settles after a happening", () => {
  it("is read at once, at most so often, and again until it has settled, for a minute at most", async () => {
    const time = new FakeTime();
    const askedAt: number[] = [];
    let began = time.now();
    let settlesAt = 0;
    const load = async () => {
      askedAt.push(time.now() - began);
      return time.now();
    };
    const unsettled = (at: number) => at - began < settlesAt;
    const resource = new Resource({ load, on: () => true, atMost: 5_000, unsettled, refreshes: false }, time);
    const moved = async (ms: number) => {
      await time.pass(10_000);
      askedAt.length = 0;
      began = time.now();
      settlesAt = ms;
      resource.happened({ type: "message" } as Happening);
      await time.pass(600_000);
      return askedAt.length;
    };
    expect(await moved(0)).toBe(1);
    expect(await moved(1_300)).toBe(2);
    expect(askedAt).toEqual([20, 5_020]);
    expect(await moved(Number.POSITIVE_INFINITY)).toBe(13);
    resource.gap();
    await time.pass(600_000);
    expect(askedAt).toHaveLength(13);
    resource.close();
  });
});

describe("the mirror of the nodes", () => {
  it("reads the fleet page by page, and shows a change of a state at once", async () => {
    const time = new FakeTime();
    const fleet = new Map(
      Array.from({ length: 2_500 }, (_, i) => `sim${String(i).padStart(4, "0")}`).map((name) => [name, node(name)]),
    );
    const asked: object[] = [];
    const client = {
      nodes: async (query: { after?: string; limit?: number; names?: readonly string[] } = {}) => {
        asked.push(query);
        if (query.names !== undefined) return query.names.flatMap((name) => fleet.get(name) ?? []);
        return [...fleet.values()].filter(({ name }) => name > (query.after ?? "")).slice(0, query.limit);
      },
    } as unknown as Client;
    const mirror = new NodeMirror(client, time);
    await mirror.readAll();
    await time.pass(700);
    expect(mirror.mirror.value.rows.size).toBe(2_500);
    expect(asked).toHaveLength(3);
    const change = {
      type: "node",
      at: 5,
      name: "sim0007",
      region: "link",
      from: "link.online",
      to: "link.offline",
      cause: "bye",
    };
    fleet.set("sim0007", node("sim0007", { link: "offline", linkSince: 5, cause: "bye", waiting: 3 }));
    mirror.happened(change as Happening);
    await time.pass(700);
    expect(mirror.mirror.value.rows.get("sim0007")).toMatchObject({ link: "offline", linkSince: 5, cause: "bye" });
    await time.pass(1_500);
    // In a fleet so large a row that nobody sees is not read for each change.
    expect(asked).toHaveLength(3);
    mirror.shows(["sim0007", "sim0008"]);
    await time.pass(1_500);
    expect(mirror.mirror.value.rows.get("sim0007")).toMatchObject({ waiting: 3 });
    expect(asked[3]).toMatchObject({ names: expect.arrayContaining(["sim0007"]) });
    fleet.set("sim2600", node("sim2600"));
    mirror.happened({ ...change, name: "sim2600" } as Happening);
    await time.pass(1_500);
    expect(mirror.mirror.value.rows.has("sim2600")).toBe(true);
  });

  it("reads a large fleet again more seldom than a small one, and of few nodes each change at once", async () => {
    const readings = async (size: number): Promise<{ whole: number; some: number }> => {
      const time = new FakeTime();
      const asked: { names?: readonly string[] }[] = [];
      const names = Array.from({ length: size }, (_, i) => `n${i}`);
      const client = {
        nodes: async (query: { after?: string; names?: readonly string[] }) => {
          asked.push(query);
          return query.names?.map((name) => node(name)) ?? (query.after === undefined ? names.map((n) => node(n)) : []);
        },
      } as unknown as Client;
      const mirror = new NodeMirror(client, time);
      await mirror.readAll();
      mirror.happened({ type: "message", subject: "n3.command.m.d" } as Happening);
      await time.pass(61_000);
      const some = asked.filter((query) => query.names?.includes("n3") === true).length;
      return { whole: asked.filter((query) => query.names === undefined && !("after" in query)).length, some };
    };
    expect(await readings(3)).toEqual({ whole: 2, some: 1 });
    expect(await readings(999)).toEqual({ whole: 2, some: 0 });
    expect(await readings(3_000)).toEqual({ whole: 1, some: 0 });
  });

  it("keeps a state that came while an answer was on its way, which is older", async () => {
    const time = new FakeTime();
    const answers: ((rows: NodeView[]) => void)[] = [];
    const client = {
      nodes: () => new Promise<NodeView[]>((resolve) => answers.push(resolve)),
    } as unknown as Client;
    const mirror = new NodeMirror(client, time);
    const shown = () => mirror.mirror.value.rows.get("ship1")?.link;
    const tell = (to: string) =>
      mirror.happened({
        type: "node",
        at: 5,
        name: "ship1",
        region: "link",
        from: "link.online",
        to: `link.${to}`,
        cause: "bye",
      } as Happening);
    void mirror.readAll();
    answers.shift()?.([node("ship1")]);
    await time.pass(300);
    tell("late");
    await time.pass(300);
    // The node is being read, and dies before the answer is here.
    expect(answers).toHaveLength(1);
    tell("offline");
    answers.shift()?.([node("ship1", { link: "late" })]);
    await time.pass(0);
    expect(shown()).toBe("offline");
    await time.pass(300);
    answers.shift()?.([node("ship1", { link: "offline", waiting: 2 })]);
    await time.pass(300);
    expect(mirror.mirror.value.rows.get("ship1")).toMatchObject({ link: "offline", waiting: 2 });
  });

  it("keeps its rows with the fault beside them when the list cannot be read", async () => {
    const time = new FakeTime();
    let fails = false;
    const client = {
      nodes: async () => (fails ? Promise.reject(new Refusal("x", "no daemon")) : [node("ship1")]),
    } as unknown as Client;
    const mirror = new NodeMirror(client, time);
    await mirror.readAll();
    fails = true;
    await mirror.readAll();
    await time.pass(300);
    expect([...mirror.mirror.value.rows.keys()]).toEqual(["ship1"]);
    expect(mirror.mirror.value.fault).toBe("no daemon");
  });
});

describe("nodes", () => {
  it("are sorted by what matters, equal ones by name with numbers as numbers", () => {
    const nodes = [node("ship10"), node("ship9"), node("ship2", { link: "offline" }), node("ship1", { waiting: 4 })];
    expect(sorted(nodes, "name", false).map(({ name }) => name)).toEqual(["ship1", "ship2", "ship9", "ship10"]);
    expect(sorted(nodes, "link", false)[0]?.name).toBe("ship2");
    expect(sorted(nodes, "waiting", false)[0]?.name).toBe("ship1");
  });

  it("say what an operator should notice", () => {
    expect(notesOf(node("ship1"))).toEqual([]);
    expect(notesOf(node("ship1", { storage: "full", clockSkew: -61_000 }))).toEqual([
      "storage full",
      "its clock is 61 s behind",
    ]);
  });
});

describe("a request", () => {
  const client = (response: () => Response | Promise<Response>, seen: [string, RequestInit | undefined][] = []) =>
    openClient({
      fetch: async (url, init) => {
        seen.push([url, init]);
        return response();
      },
      csrf: async () => "word",
      answered: () => undefined,
      refused: () => undefined,
    });

  it("that changes something carries the word that proves it to be of this page", async () => {
    const seen: [string, RequestInit | undefined][] = [];
    const asks = client(() => new Response(null, { status: 204 }), seen);
    await asks.dropDead("a/b");
    expect(seen[0]?.[0]).toBe("/v1/dead/a%2Fb");
    expect(seen[0]?.[1]?.headers).toMatchObject({ "steward-csrf": "word" });
  });

  it("that fails tells the words of the daemon, and what to do next", async () => {
    const error = {
      code: "node-unknown",
      message: "no node is called x",
      remedy: "steward nodes lists them.",
      exit: 2,
      details: {},
    };
    const refused = await client(() => Response.json({ error }, { status: 404 }))
      .node("x")
      .catch((thrown: unknown) => thrown);
    expect(sentenceOf(refused)).toBe("no node is called x. steward nodes lists them.");
    const cut = await client(() => Promise.reject(new TypeError("cut")))
      .nodes()
      .catch((thrown: unknown) => thrown);
    expect(sentenceOf(cut)).toBe("the daemon could not be reached");
  });

  it("for the health of a daemon that is not well is answered with it", async () => {
    expect(await client(() => Response.json({ ok: false }, { status: 503 })).health()).toEqual({ ok: false });
  });
});
