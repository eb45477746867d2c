import { describe, expect, it } from "vitest";
import { idMaker } from "../../../src/message/id.ts";
import { type Ack, decodeFrame } from "../../../src/message/wire/frame.ts";
import type { Hello } from "../../../src/methods/hello.ts";
import { Presence } from "../../../src/runtime/fleet/presence.ts";
import { WholeHellos } from "../../../src/runtime/fleet/whole-hellos.ts";
import { ClearEnvelope } from "../../../src/security/seal/clear-envelope.ts";
import { SimulatedClock } from "../../harness/clock.ts";
import { seededRandom } from "../../harness/random.ts";

const EVERY = 600_000;

/** A node that says hello, and what left it: `whole` or `brief`. */
function speaker() {
  const clock = new SimulatedClock();
  const said: string[] = [];
  const bytes: number[] = [];
  let storage: Hello["storage"] = "ok";
  const presence = new Presence({
    node: "ship1",
    central: "central",
    envelope: new ClearEnvelope(),
    life: "l1",
    epoch: "e1",
    clock,
    newId: idMaker(clock, seededRandom(1)),
    self: {
      hello: () => ({
        version: "1.0.0",
        epoch: "e1",
        life: "life1",
        startedAt: 1,
        now: clock.now(),
        storage,
        methods: [
          "shellcommand",
          "syslogforwarding",
          "echo",
          "ping",
          "errorlog",
          "cancel",
          "process",
          "compare",
          "vouch",
        ],
        every: EVERY,
        link: "satellite",
      }),
    },
    transport: {
      inbox: "_INBOX.ship1.x",
      publish: (subject: string, payload: Uint8Array) => {
        const [item] = decodeFrame(subject, payload).items;
        if (item === undefined || !("data" in item)) throw new Error("not a hello");
        said.push("version" in (item.data as object) ? "whole" : "brief");
        bytes.push(payload.length);
        return true;
      },
    } as never,
  });
  const answer = (receiverLife: string): void => presence.answered({ receiverLife } as Ack);
  return {
    clock,
    presence,
    answer,
    bytes,
    said: () => said.splice(0),
    fill: () => {
      storage = "full";
    },
  };
}

describe("a node's hello", () => {
  it("is brief once central has answered the whole one, and less than half of its size", async () => {
    const { presence, clock, answer, said, bytes } = speaker();
    presence.begin();
    answer("c1");
    await clock.advance(EVERY);
    expect(said()).toEqual(["whole", "brief"]);
    expect(bytes[1]).toBeLessThan((bytes[0] ?? 0) / 2);
    presence.end();
  });

  it("is whole again after a change, after an unanswered one, and on a new connection", async () => {
    const { presence, clock, answer, said, fill } = speaker();
    presence.begin();
    answer("c1");
    fill();
    await clock.advance(EVERY);
    expect(said()).toEqual(["whole", "whole"]);
    await clock.advance(EVERY);
    expect(said()).toEqual(["whole"]);
    answer("c1");
    await clock.advance(EVERY);
    answer("c1");
    expect(said()).toEqual(["brief"]);
    presence.begin();
    expect(said()).toEqual(["whole"]);
    presence.end();
  });

  it("is whole at once when another life of central's daemon answers, and every two hours in any case", async () => {
    const { presence, clock, answer, said } = speaker();
    presence.begin();
    answer("c1");
    await clock.advance(EVERY);
    answer("c2");
    expect(said()).toEqual(["whole", "brief", "whole"]);
    answer("c2");
    for (let i = 0; i < 12; i++) {
      await clock.advance(EVERY);
      answer("c2");
    }
    expect(said()).toEqual([...Array<string>(11).fill("brief"), "whole"]);
    presence.end();
  });
});

describe("a brief hello", () => {
  const whole = (life: string): Hello => ({
    version: "1.0.0",
    epoch: `epoch-of-${life}`,
    life,
    startedAt: 1,
    now: 5,
    storage: "ok",
    methods: [],
    every: EVERY,
  });

  it("stands for the last whole one of the same life, at the time at which it was said", () => {
    const hellos = new WholeHellos();
    hellos.completed("ship1", whole("a"), 5);
    expect(hellos.completed("ship1", { life: "a" }, 9)).toEqual({ ...whole("a"), now: 9 });
  });

  it("stands for nothing where that life was not heard in full", () => {
    const hellos = new WholeHellos();
    expect(hellos.completed("ship1", { life: "a" }, 9)).toBeUndefined();
    hellos.completed("ship2", whole("a"), 5);
    expect(hellos.completed("ship1", { life: "a" }, 9)).toBeUndefined();
  });

  it("of two hosts that have one name keeps telling them apart, and remembers no more than a few lives", () => {
    const hellos = new WholeHellos();
    for (const life of ["a", "b"]) hellos.completed("ship1", whole(life), 5);
    expect(hellos.completed("ship1", { life: "a" }, 9)?.epoch).toBe("epoch-of-a");
    expect(hellos.completed("ship1", { life: "b" }, 9)?.epoch).toBe("epoch-of-b");
    for (const life of ["c", "d", "e"]) hellos.completed("ship1", whole(life), 5);
    expect(hellos.completed("ship1", { life: "a" }, 9)).toBeUndefined();
  });
});
