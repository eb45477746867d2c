import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type MessageFileOptions, parseMessages } from "../../src/intake/message-file.ts";
import { StewardError } from "../../src/message/errors.ts";

const parse = (text: string, options: Partial<MessageFileOptions> = {}) =>
  parseMessages(text, { name: "in.yaml", ...options });

function faultOf(text: string, options: Partial<MessageFileOptions> = {}): string {
  try {
    parse(text, options);
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(StewardError);
    expect((thrown as StewardError).code).toBe("message-invalid");
    return (thrown as StewardError).message;
  }
  throw new Error("it was accepted");
}

describe("the two forms", () => {
  it("takes the example of the design verbatim, one draft for each receiver", () => {
    const text = `- {to: [ship1, ship2], command: shellcommand, domain: operatingsystem, data: [bash, -c, "uname -a"], deliverBy: 2h, timeout: 30s}
- {subject: {node: ship1, messageType: command, method: shellcommand, domain: operatingsystem}, message: {data: [uname, -a]}}
`;
    const data = ["bash", "-c", "uname -a"];
    expect(parse(text)).toEqual([
      { subject: "ship1.command.shellcommand.operatingsystem", data, deliverBy: 7_200_000, timeout: 30_000 },
      { subject: "ship2.command.shellcommand.operatingsystem", data, deliverBy: 7_200_000, timeout: 30_000 },
      { subject: "ship1.command.shellcommand.operatingsystem", data: ["uname", "-a"] },
    ]);
  });

  it("leaves a target that is more than names to the daemon, with the most nodes that it may mean", () => {
    const rest = { subject: "event.note.d", data: null };
    const parsed = (to: string) => parse(`{to: ${to}, event: note, domain: d}`);
    expect(parsed("'class=tanker and online'")).toEqual([{ to: "class=tanker and online", ...rest }]);
    expect(parsed("all")).toEqual([{ to: "all", ...rest }]);
    expect(parsed("[tug1, 'ship*', '@north']")).toEqual([{ to: "tug1, ship*, @north", ...rest }]);
    expect(parsed("tug1, most: 500")).toEqual([{ ...rest, subject: "tug1.event.note.d" }]);
    expect(parsed("'ship*', most: 500")).toEqual([{ to: "ship*", most: 500, ...rest }]);
    expect(faultOf("{to: 'class=', event: note, domain: d}")).toContain(
      "in.yaml:1:6 is not valid: `to`: at character 7: ",
    );
    expect(faultOf("{to: all, most: many, event: note, domain: d}")).toContain(
      "`most` is the most nodes that `to` may mean",
    );
  });

  it("takes a subject as text, and a messageType inside the message that agrees with it", () => {
    const text = "subject: ship1.event.note.bridge\nmessage: {messageType: event, data: {a: [1, null, true]}}\n";
    expect(parse(text)).toEqual([{ subject: "ship1.event.note.bridge", data: { a: [1, null, true] } }]);
  });

  it("takes a single message, no data and a deadline that never comes", () => {
    expect(parse("{to: ship1, event: note, domain: bridge, deliverBy: null}")).toEqual([
      { subject: "ship1.event.note.bridge", data: null, deliverBy: null },
    ]);
  });

  it("takes several YAML documents, JSON, lines of JSON, a byte order mark and CRLF", () => {
    const draft = (node: string) => ({ subject: `${node}.event.note.d`, data: 1 });
    const json = (node: string) => JSON.stringify({ to: node, event: "note", domain: "d", data: 1 });
    expect(
      parse("---\nto: a\nevent: note\ndomain: d\ndata: 1\n---\n- {to: b, event: note, domain: d, data: 1}\n...\n"),
    ).toEqual([draft("a"), draft("b")]);
    expect(parse(`[${json("a")},${json("b")}]`, { name: "in.json" })).toEqual([draft("a"), draft("b")]);
    expect(parse(`${json("a")}\n${json("b")}\n`, { name: "-" })).toEqual([draft("a"), draft("b")]);
    expect(parse(`\uFEFF${json("a")}`, { name: "in.json" })).toEqual([draft("a")]);
    expect(parse("to: a\r\nevent: note\r\ndomain: d\r\ndata: 1\r\n")).toEqual([draft("a")]);
  });

  it("unfolds aliases", () => {
    const text = "- {to: a, event: note, domain: d, data: &x [1, 2]}\n- {to: b, event: note, domain: d, data: *x}\n";
    expect(parse(text).map((draft) => draft.data)).toEqual([
      [1, 2],
      [1, 2],
    ]);
  });

  it("reads the same messages from JSON whichever reader takes it", () => {
    const data = fc.jsonValue({ maxDepth: 4 }).filter((value) => !JSON.stringify(value).includes("__proto__"));
    fc.assert(
      fc.property(data, (value) => {
        const text = JSON.stringify({ to: "a", event: "note", domain: "d", data: value });
        const plain = JSON.parse(text).data;
        const [draft] = parse(text, { name: "in.json" });
        expect(draft?.data).toEqual(plain);
        const [indented] = parse(JSON.stringify(JSON.parse(text), undefined, 2), { name: "in.json" });
        expect(indented?.data).toEqual(plain);
      }),
      { numRuns: 300 },
    );
  });
});

describe("the traps of YAML", () => {
  it("leaves yes, no, on and dates what they look like", () => {
    const [draft] = parse(
      "{to: a, event: note, domain: d, data: [yes, no, on, 2030-01-01, 12:30, ~, true, 1.5, '0755']}",
    );
    expect(draft?.data).toEqual(["yes", "no", "on", "2030-01-01", "12:30", null, true, 1.5, "0755"]);
  });

  it.each([
    ["0755", "in.yaml:1:40 is not valid: 0755 would become 755; write 755, or put it in quotes"],
    [".inf", ".inf is not a finite number"],
    [".NaN", ".NaN is not a finite number"],
    ["12345678901234567890", "too large to be kept exactly; put it in quotes"],
    ["!thing 1", "unknown tag !thing"],
    ["!!binary aGk=", "of a type that JSON does not have; put it in quotes"],
    ["*nobody", "nobody"],
    ["&x [*x]", "*x stands for nothing that comes before it"],
    ["{a: 1, a: 2}", '"a" is given twice'],
    ["{__proto__: 1}", '"__proto__" cannot be a key'],
    ["{[a]: 1}", "a key must be a word"],
  ])("refuses the data %s", (data, fault) => {
    expect(faultOf(`{to: a, event: note, domain: d, data: [${data}]}\n`)).toContain(fault);
  });

  it("refuses a directive that would give words another meaning", () => {
    expect(faultOf("%YAML 1.1\n---\nto: a\nevent: note\ndomain: d\ndata: yes\n")).toContain("only YAML 1.2 is read");
  });

  it("names a tab as what it is", () => {
    expect(faultOf("to: a\nevent: note\ndomain: d\ndata:\n\ta: 1\n")).toContain(
      "in.yaml:5:1 is not valid: a tab cannot indent YAML",
    );
  });
});

describe("faults", () => {
  it("names all of them at once, in order, with line and column", () => {
    const text = `- to: ship 1
  command: shellcommand
  domian: os
- {to: [], event: note, domain: d, timeout: 30}
- just text
`;
    expect(faultOf(text)).toBe(
      [
        "message in.yaml is not valid: 6 faults",
        "  in.yaml:1:3: `domain` is missing: what the method is for, such as operatingsystem",
        '  in.yaml:1:7: `to`: at character 6: expected and, or, a comma or the end, got "1"',
        '  in.yaml:3:3: "domian" is not known here; did you mean domain?',
        "  in.yaml:4:8: `to` is an empty list; name at least one node",
        "  in.yaml:4:45: `timeout` is 30, without a unit; write a duration such as 500ms, 30s, 10m, 2h or 7d",
        '  in.yaml:5:3: a message is a map with `to` or `subject`, not "just text"',
      ].join("\n"),
    );
  });

  it("gives line and column of a single fault as details too", () => {
    try {
      parse('[\n  {"to": "a", "event": "note", "domain": "d",, }\n]', { name: "in.json" });
      expect.unreachable();
    } catch (thrown) {
      const error = thrown as StewardError;
      expect(error.details).toMatchObject({ where: "in.json:2:46", line: 2, column: 46 });
      expect(error.details.fault).toBe('a key in quotes is expected, not ","');
    }
  });

  it.each([
    ["{to: a, command: x, event: y, domain: d}", "`command` and `event` exclude each other"],
    ["{to: a, domain: d}", "`command: <method>` or `event: <method>` is missing"],
    ["{command: x, domain: d}", "`to` is missing: the node that receives it"],
    ["{to: [a, a], event: x, domain: d}", "a is named twice in `to`"],
    ["{to: 7, event: x, domain: d}", "`to` must be a name, not the number 7; put it in quotes"],
    ["{to: true, event: x, domain: d}", "`to` must be a name, not the boolean true; put it in quotes"],
    ["{to: a, event: x, domain: }", "`domain` must be a name, not empty"],
    ["{to: ../etc, event: x, domain: d}", '"." is not allowed'],
    ["{to: a, event: x, domain: d, schedule: [0, x]}", "let cron or a systemd timer"],
    ["{to: a, event: x, domain: d, deliverBy: soon}", "or never, which waits for ever"],
    ["{to: a, event: x, domain: d, deliverBy: 0s}", "`deliverBy` is"],
    ["{to: a, event: x, domain: d, timeout: null}", "leave it out for the usual limit"],
    ["{to: a, event: x, domain: d, timeout: [1]}", "`timeout` is a list"],
    ["{to: a, event: x, domain: d, constructor: 1}", '"constructor" is not known here'],
    ["{to: a, subject: a.event.b.c, message: {}}", "write either `subject` with `message`"],
    ["{subject: a.event.b, message: {data: 1}}", "it has 3 parts, 4 are needed"],
    ["{subject: a.event.b.c}", "`message` is missing"],
    [
      "{subject: a.event.b.c, message: 7}",
      "a map with data, deliverBy, timeout, reply, urgent, messageType is expected, not the number 7",
    ],
    ["{message: {data: 1}}", "`subject` is missing"],
    ["{subject: [a], message: {}}", "`subject` is <node>.<command|event>.<method>.<domain> or a map, not a list"],
    [
      "{subject: {node: a, messageType: order, method: b, domain: c}, message: {}}",
      'messageType must be command or event, not "order"',
    ],
    ["{subject: a.event.b.c, message: {messageType: command}}", "messageType is command here and event in the subject"],
    ["", "there is no message in it"],
    ["# nothing\n", "there is no message in it"],
    ["[]", "there is no message in it"],
    ["7", "not the number 7"],
  ])("refuses %s", (text, fault) => {
    expect(faultOf(text)).toContain(fault);
  });

  it.each([
    ["{", "a key in quotes is expected, not the end of the text"],
    ['{"a":1', '"," or "}" is expected, not the end of the text'],
    ['{"a" 1}', '":" is expected after the key, not "1"'],
    ["[1,]", 'a value is expected, not "]"'],
    ['["a]', "this string is not closed"],
    ['["a\nb"]', "a line break or control character inside a string"],
    ['["\\x"]', "a backslash inside this string begins no known escape"],
    ["[yes]", "yes needs quotes"],
    ["[1e999]", "1e999 is not a finite number"],
    ['[{"a":1,"a":2}]', '"a" is given twice'],
    ['[{"__proto__":1}]', '"__proto__" cannot be a key'],
    ["[01]", '"," or "]" is expected, not "1"'],
  ])("refuses the JSON %s", (text, fault) => {
    expect(faultOf(text, { name: "in.json" })).toContain(fault);
  });

  it("tells what is wrong with JSON in the terms of JSON where the name leaves it open", () => {
    expect(faultOf('[{"to": "a", "event": "x", "domain": "d", "data": [1, 2}]', { name: "inmsg.txt" })).toContain(
      '"," or "]" is expected',
    );
    expect(parse("{to: a, event: x, domain: d}", { name: "inmsg.txt" })).toHaveLength(1);
  });

  it("shows the first twenty of very many", () => {
    const fault = faultOf("- 1\n".repeat(500));
    expect(fault).toContain("500 faults");
    expect(fault.split("\n")).toHaveLength(22);
    expect(fault).toContain("and 480 more");
  });
});

describe("bounds", () => {
  const many = (count: number) => "- {to: a, event: x, domain: d}\n".repeat(count);

  it("refuses a text that is too large before it reads it", () => {
    expect(faultOf("x".repeat(2000), { maxBytes: 1000 })).toContain("it has 2000 bytes, 1000 are allowed");
    expect(faultOf(`a: ${"x".repeat(2000)}`, { maxYamlBytes: 1000 })).toContain("YAML may have 1000");
    const json = JSON.stringify({ to: "a", event: "x", domain: "d", data: "x".repeat(2000) });
    expect(parse(json, { maxYamlBytes: 1000 })).toHaveLength(1);
  });

  it("refuses too many messages, counted by receivers", () => {
    expect(parse(many(10), { maxMessages: 10 })).toHaveLength(10);
    expect(faultOf(many(11), { maxMessages: 10 })).toContain("in.yaml:11:3 is not valid: more than 10 messages");
    expect(faultOf("{to: [a, b, c], event: x, domain: d}", { maxMessages: 2 })).toContain("more than 2 messages");
  });

  it("refuses nesting that is too deep, in both languages and through aliases", () => {
    const deep = (open: string, close: string, depth: number) => open.repeat(depth) + close.repeat(depth);
    expect(faultOf(`{"data": ${deep("[", "]", 100_000)}}`, { name: "in.json" })).toContain(
      "nested deeper than 64 levels",
    );
    expect(faultOf(`to: a\ndata: ${deep("[", "]", 100)}\n`)).toContain("nested deeper than 64 levels");
    expect(faultOf(`to: a\ndata: ${deep("[", "]", 20_000)}\n`)).toContain("nested deeper than 64 levels");
    const ladder = Array.from({ length: 80 }, (_, i) => `- &a${i} [${i === 0 ? "1" : `*a${i - 1}`}]`).join("\n");
    expect(faultOf(`to: a\nevent: x\ndomain: d\ndata:\n${ladder.replace(/^/gm, "  ")}\n`)).toContain(
      "nested deeper than 64 levels",
    );
  });

  it("refuses a bomb of aliases without unfolding it", () => {
    const ladder = Array.from(
      { length: 30 },
      (_, i) => `  - &a${i} [${Array.from({ length: 9 }, () => (i === 0 ? "1" : `*a${i - 1}`)).join(", ")}]`,
    );
    expect(faultOf(`to: a\nevent: x\ndomain: d\ndata:\n${ladder.join("\n")}\n`)).toContain(
      "unfolds into more than 1000000 values",
    );
  });

  it("answers garbage of any kind with its one error", () => {
    const words = [
      "{",
      "}",
      "[",
      "]",
      ":",
      "- ",
      "\n",
      "  ",
      "\t",
      "to",
      "a",
      ",",
      "&x ",
      "*x",
      "!!",
      "|",
      ">",
      "'",
      '"',
      "#",
      "?",
      "%",
      "\0",
      "---\n",
      "1e9",
      "\\",
    ];
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.array(fc.constantFrom(...words), { maxLength: 40 }).map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(text, fc.constantFrom("in.yaml", "in.json", "-"), (value, name) => {
        try {
          parse(value, { name });
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(StewardError);
          expect((thrown as StewardError).code).toBe("message-invalid");
        }
      }),
      { numRuns: 2000 },
    );
  });
});
