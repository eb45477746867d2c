import { describe, expect, it } from "vitest";
import { boundFault } from "../../../src/message/target/bound.ts";
import type { OperateOptions } from "../../../src/runtime/operate/rooms.ts";
import { Reach } from "../../../src/runtime/operate/speak/reach.ts";
import type { Speaker, SpeakerBounds } from "../../../src/security/operators/speaker.ts";

/** ship1 was given class=tanker at central; ship2 only says so of itself. */
const OPTIONS = {
  config: () => ({ node: "central", central: "central", groups: { north: "area=north", two: ["ship1", "ship2"] } }),
  core: () => ({
    labels: {
      list: (node: string) =>
        node === "ship1"
          ? [{ key: "class", value: "tanker", given: { value: "tanker", by: "central", at: 1 } }]
          : [{ key: "class", value: "tanker" }],
    },
  }),
} as unknown as OperateOptions;

const fault = (subject: string, bounds?: SpeakerBounds, role: Speaker["role"] = "operator"): string | undefined =>
  new Reach(OPTIONS, {
    name: "ann@central",
    operator: "ann",
    by: "signature",
    role,
    ...(bounds === undefined ? {} : { bounds }),
  }).fault(subject);
const NGINX = "command.shellcommand.nginx";

describe("the reach of an operator", () => {
  it("counts the labels that were given at central, never what a node says of itself", () => {
    expect(fault(`ship1.${NGINX}`, { on: "class=tanker" })).toBeUndefined();
    expect(fault(`ship2.${NGINX}`, { on: "class=tanker" })).toBe(
      "the nodes are those of class=tanker, by labels given at central",
    );
    expect(fault(`ship2.${NGINX}`, { on: "ship2" })).toBeUndefined();
    expect(fault(`ship2.${NGINX}`, { on: "@two" })).toBeUndefined();
    expect(fault(`ship3.${NGINX}`, { on: "@two or @north" })).toBeDefined();
  });

  it("holds the methods, with and without a domain", () => {
    for (const methods of [["shellcommand"], ["shellcommand.nginx"], ["shell*.*"], ["ping", "*.nginx"]])
      expect(fault(`ship1.${NGINX}`, { methods }), methods.join()).toBeUndefined();
    for (const methods of [["ping"], ["shellcommand.apache"], ["nginx"]])
      expect(fault(`ship1.${NGINX}`, { methods }), methods.join()).toBe(`the methods are ${methods.join(", ")}`);
  });

  it("never holds an admin, and keeps the orders about keys from everybody else", () => {
    expect(fault("ship1.command.trust.steward", undefined, "admin")).toBeUndefined();
    expect(fault("ship1.command.trust.steward")).toBe("only an admin decides on keys");
    expect(fault("ship1.command.ping.steward")).toBeUndefined();
  });

  it("is written without states that change by themselves, and without faults of its language", () => {
    expect(boundFault("class=tanker and not (ship9, @north)")).toBeUndefined();
    expect(boundFault("class=tanker and online")).toContain("online changes with each moment");
    expect(boundFault("class=")).toBeDefined();
  });
});
