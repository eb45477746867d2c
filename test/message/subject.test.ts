import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { StewardError } from "../../src/message/errors.ts";
import { replySubject } from "../../src/message/message.ts";
import { checkToken, formatSubject, isToken, parseSubject, tokenFault } from "../../src/message/subject.ts";

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
const token = fc
  .tuple(fc.constantFrom(...letters), fc.string({ unit: fc.constantFrom(...letters, "-"), maxLength: 62 }))
  .map(([first, rest]) => first + rest);
const subject = fc.record({
  node: token,
  kind: fc.constantFrom("command" as const, "event" as const),
  method: token,
  domain: token,
});

function refusal(text: string): StewardError {
  try {
    parseSubject(text);
  } catch (thrown) {
    if (thrown instanceof StewardError) return thrown;
  }
  throw new Error(`${text} was not refused with a StewardError`);
}

describe("a subject", () => {
  it.each([
    [
      "ship1.event.syslogforwarding.nginx",
      { node: "ship1", kind: "event", method: "syslogforwarding", domain: "nginx" },
    ],
    [
      "ship2.command.shellcommand.operatingsystem",
      { node: "ship2", kind: "command", method: "shellcommand", domain: "operatingsystem" },
    ],
    ["Ship_2-a.command.m.0", { node: "Ship_2-a", kind: "command", method: "m", domain: "0" }],
  ])("reads %s", (text, parsed) => {
    expect(parseSubject(text)).toEqual(parsed);
  });

  it("reads back what it writes, and writes back what it reads", () => {
    fc.assert(
      fc.property(subject, (value) => {
        const text = formatSubject(value);
        expect(parseSubject(text)).toEqual(value);
        expect(formatSubject(parseSubject(text))).toBe(text);
      }),
    );
  });

  it("reads any text either exactly or not at all", () => {
    const nearly = fc.array(fc.oneof(token, fc.constantFrom("command", "event", "", "*", ">", " ", "-x", "a b")), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary" }),
          nearly.map((parts) => parts.join(".")),
        ),
        (text) => {
          try {
            expect(formatSubject(parseSubject(text))).toBe(text);
          } catch (thrown) {
            expect(thrown).toBeInstanceOf(StewardError);
            expect((thrown as StewardError).code).toBe("subject-invalid");
          }
        },
      ),
      { numRuns: 1000 },
    );
  });

  it.each([
    ["", "it has 1 parts, 4 are needed"],
    ["ship1.command.m", "it has 3 parts, 4 are needed"],
    ["ship1.command.m.d.e", "it has 5 parts, 4 are needed"],
    [".command.m.d", "node: it is empty"],
    ["ship1.command..d", "method: it is empty"],
    ["ship1.Command.m.d", 'the second part is "Command", it must be "command" or "event"'],
    ["ship1.command.m.*", 'domain: "*" is not allowed'],
    ["ship1.command.m.>", 'domain: ">" is not allowed'],
    ["ship 1.command.m.d", 'node: " " is not allowed'],
    ["ship\t1.command.m.d", 'node: "\\t" is not allowed'],
    ["ship1.command.m.d\n", 'domain: "\\n" is not allowed'],
    ["../x.command.m.d", "it has 6 parts"],
    ["a/b.command.m.d", 'node: "/" is not allowed'],
    ["-rf.command.m.d", "node: it begins with '-'"],
    ["schiff\u00fc.command.m.d", 'node: "\u00fc" is not allowed'],
    ["a\u{1F6A2}.command.m.d", 'node: "\u{1F6A2}" is not allowed'],
    [`${"x".repeat(64)}.command.m.d`, "node: it has 64 characters, 63 are allowed"],
  ])("refuses %j", (text, fault) => {
    const error = refusal(text);
    expect(error.code).toBe("subject-invalid");
    expect(error.message).toContain(fault);
    expect(error.exit).toBe(2);
  });

  it("is answered at the sender, on the same method and domain", () => {
    expect(replySubject(parseSubject("ship1.command.shellcommand.os"), "central")).toBe(
      "central.event.shellcommand.os",
    );
  });
});

describe("a token", () => {
  it("is refused with a reason exactly when it is not one", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary", maxLength: 70 }), token), (text) => {
        expect(tokenFault(text) === undefined).toBe(isToken(text));
      }),
    );
  });

  it("is text and nothing else", () => {
    for (const value of [undefined, null, 7, true, {}, ["a"]]) expect(isToken(value)).toBe(false);
  });

  it("is handed back when it is good, and named with its place when it is not", () => {
    expect(checkToken("domain", "nginx")).toBe("nginx");
    expect(() => checkToken("domain", "a.b")).toThrow("domain");
  });
});
