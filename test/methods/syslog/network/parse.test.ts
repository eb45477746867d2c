import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseSyslog } from "../../../../src/methods/syslog/network/parse.ts";

const NOW = new Date(2026, 10, 22, 15, 0, 0).getTime();
const local = (...at: [number, number, number, number, number, number, number?]): string =>
  new Date(...at).toISOString();
const parse = (message: string) => parseSyslog(message, NOW);

describe("RFC 5424", () => {
  it.each([
    [
      "the RFC's example without structured data",
      "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \ufeff'su root' failed for lonvick on /dev/pts/8",
      {
        facility: "auth",
        severity: "crit",
        time: "2003-10-11T22:14:15.003Z",
        host: "mymachine.example.com",
        app: "su",
        msgid: "ID47",
        text: "'su root' failed for lonvick on /dev/pts/8",
      },
    ],
    [
      "microseconds and an offset",
      "<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time to make the do-nuts.",
      {
        facility: "local4",
        severity: "notice",
        time: "2003-08-24T12:14:15.000Z",
        host: "192.0.2.1",
        app: "myproc",
        pid: "8710",
        text: "%% It's time to make the do-nuts.",
      },
    ],
    [
      "two elements of structured data and a text",
      '<165>1 2003-10-11T22:14:15.003Z m evntslog - ID47 [exampleSDID@32473 iut="3" eventSource="App"][prio@32473 class="high"] An entry',
      {
        facility: "local4",
        severity: "notice",
        time: "2003-10-11T22:14:15.003Z",
        host: "m",
        app: "evntslog",
        msgid: "ID47",
        structured: ['[exampleSDID@32473 iut="3" eventSource="App"]', '[prio@32473 class="high"]'],
        text: "An entry",
      },
    ],
    [
      "escapes in structured data, and no text",
      '<14>1 - - - - - [a@1 q="say \\"hi\\" \\] \\\\"]',
      { facility: "user", severity: "info", structured: ['[a@1 q="say \\"hi\\" \\] \\\\"]'], text: "" },
    ],
    ["nothing but nil", "<14>1 - - - - - -", { facility: "user", severity: "info", text: "" }],
    [
      "logger -n of util-linux, as Apache pipes to it: the text begins with a bracket",
      '<179>1 2026-11-22T14:20:55.123456+01:00 web1 httpd - - [timeQuality tzKnown="1" isSynced="1" syncAccuracy="123"] [Sun Nov 22 14:20:55 2026] [core:error] AH00126: Invalid URI',
      {
        facility: "local6",
        severity: "err",
        time: "2026-11-22T13:20:55.123Z",
        host: "web1",
        app: "httpd",
        structured: ['[timeQuality tzKnown="1" isSynced="1" syncAccuracy="123"]'],
        text: "[Sun Nov 22 14:20:55 2026] [core:error] AH00126: Invalid URI",
      },
    ],
    [
      "nil structured data before a text that begins with a bracket",
      "<14>1 2026-11-22T14:20:55Z h a 1 - - [error] no",
      {
        facility: "user",
        severity: "info",
        time: "2026-11-22T14:20:55.000Z",
        host: "h",
        app: "a",
        pid: "1",
        text: "[error] no",
      },
    ],
    [
      "structured data that a short datagram cut off is text",
      '<14>1 2026-11-22T14:20:55Z h a 1 - [a@1 k="v',
      {
        facility: "user",
        severity: "info",
        time: "2026-11-22T14:20:55.000Z",
        host: "h",
        app: "a",
        pid: "1",
        text: '[a@1 k="v',
      },
    ],
    [
      "a leap second",
      "<14>1 2016-12-31T23:59:60Z h a - - - x",
      { facility: "user", severity: "info", time: "2016-12-31T23:59:59.000Z", host: "h", app: "a", text: "x" },
    ],
  ])("reads %s", (_what, message, record) => {
    expect(parse(message)).toEqual(record);
  });

  it("takes a text that only begins like a header as text", () => {
    expect(parse("<14>1 apple fell from the tree in autumn")).toEqual({
      facility: "user",
      severity: "info",
      text: "1 apple fell from the tree in autumn",
    });
  });
});

describe("what programs really send", () => {
  it.each([
    [
      "nginx access_log syslog:",
      '<190>Nov 22 14:20:55 web1 nginx: 127.0.0.1 - - [22/Nov/2026:14:20:55 +0000] "GET / HTTP/1.1" 200 615 "-" "curl/7.88.1"',
      {
        facility: "local7",
        severity: "info",
        time: local(2026, 10, 22, 14, 20, 55),
        host: "web1",
        app: "nginx",
        text: '127.0.0.1 - - [22/Nov/2026:14:20:55 +0000] "GET / HTTP/1.1" 200 615 "-" "curl/7.88.1"',
      },
    ],
    [
      "nginx with nohostname and a tag",
      "<187>Nov 22 14:20:55 shop_front: 2026/11/22 14:20:55 [error] 7#7: *1 open() failed",
      {
        facility: "local7",
        severity: "err",
        time: local(2026, 10, 22, 14, 20, 55),
        app: "shop_front",
        text: "2026/11/22 14:20:55 [error] 7#7: *1 open() failed",
      },
    ],
    [
      "Apache through logger -t httpd",
      "<179>Nov 22 14:20:55 httpd[812]: [Sun Nov 22 14:20:55.1 2026] [core:notice] [pid 812] AH00094",
      {
        facility: "local6",
        severity: "err",
        time: local(2026, 10, 22, 14, 20, 55),
        app: "httpd",
        pid: "812",
        text: "[Sun Nov 22 14:20:55.1 2026] [core:notice] [pid 812] AH00094",
      },
    ],
    [
      "rsyslog's forward format",
      "<86>2026-11-22T14:20:55.123456+01:00 ship1 sshd[4123]: Accepted publickey for ops from 10.0.0.7 port 50022 ssh2: ED25519 SHA256:abc",
      {
        facility: "authpriv",
        severity: "info",
        time: "2026-11-22T13:20:55.123Z",
        host: "ship1",
        app: "sshd",
        pid: "4123",
        text: "Accepted publickey for ops from 10.0.0.7 port 50022 ssh2: ED25519 SHA256:abc",
      },
    ],
    [
      "cron",
      "<78>Nov  1 06:25:01 ship1 CRON[31337]: (root) CMD (test -x /usr/sbin/anacron || run-parts)",
      {
        facility: "cron",
        severity: "info",
        time: local(2026, 10, 1, 6, 25, 1),
        host: "ship1",
        app: "CRON",
        pid: "31337",
        text: "(root) CMD (test -x /usr/sbin/anacron || run-parts)",
      },
    ],
    [
      "systemd",
      "<30>Nov 22 14:20:55 ship1 systemd[1]: Started nginx.service - A high performance web server.",
      {
        facility: "daemon",
        severity: "info",
        time: local(2026, 10, 22, 14, 20, 55),
        host: "ship1",
        app: "systemd",
        pid: "1",
        text: "Started nginx.service - A high performance web server.",
      },
    ],
    [
      "the kernel",
      "<6>Nov 22 14:20:55 ship1 kernel: [12345.678901] usb 1-1: new device",
      {
        facility: "kern",
        severity: "info",
        time: local(2026, 10, 22, 14, 20, 55),
        host: "ship1",
        app: "kernel",
        text: "[12345.678901] usb 1-1: new device",
      },
    ],
    [
      "postfix, with a slash in its tag",
      "<22>Nov 22 14:20:55 mx postfix/smtpd[99]: connect from unknown[10.0.0.1]",
      {
        facility: "mail",
        severity: "info",
        time: local(2026, 10, 22, 14, 20, 55),
        host: "mx",
        app: "postfix/smtpd",
        pid: "99",
        text: "connect from unknown[10.0.0.1]",
      },
    ],
    [
      "an IPv6 address for a host",
      "<14>Nov 22 14:20:55 2001:db8::7 app: text",
      {
        facility: "user",
        severity: "info",
        time: local(2026, 10, 22, 14, 20, 55),
        host: "2001:db8::7",
        app: "app",
        text: "text",
      },
    ],
    [
      "a host without a tag",
      "<14>Nov 22 14:20:55 ship1 last message repeated 3 times",
      {
        facility: "user",
        severity: "info",
        time: local(2026, 10, 22, 14, 20, 55),
        host: "ship1",
        text: "last message repeated 3 times",
      },
    ],
    [
      "Cisco, with a year",
      "<166>Nov 22 2025 14:20:55 asa1 : %ASA-6-302013: Built outbound TCP",
      {
        facility: "local4",
        severity: "info",
        time: local(2025, 10, 22, 14, 20, 55),
        host: "asa1",
        app: "%ASA-6-302013",
        text: "Built outbound TCP",
      },
    ],
    ["a priority and a tag", "<13>su: hello", { facility: "user", severity: "notice", app: "su", text: "hello" }],
    ["a priority only", "<13>hello world", { facility: "user", severity: "notice", text: "hello world" }],
    ["a priority and nothing", "<13>", { facility: "user", severity: "notice", text: "" }],
    ["no priority", "error: disk on fire", { text: "error: disk on fire" }],
    ["a priority that does not exist", "<192>hello", { text: "<192>hello" }],
    [
      "a date that does not exist",
      "<13>Nov 42 14:20:55 h app: text",
      { facility: "user", severity: "notice", text: "Nov 42 14:20:55 h app: text" },
    ],
    [
      "a word that only looks like a month",
      "<13>Foo 12 14:20:55 h app: t",
      { facility: "user", severity: "notice", text: "Foo 12 14:20:55 h app: t" },
    ],
    [
      "an address as text, not as a tag",
      "<13>http://example.com is down",
      { facility: "user", severity: "notice", text: "http://example.com is down" },
    ],
  ])("reads %s", (_what, message, record) => {
    expect(parse(message)).toEqual(record);
  });

  it("gives a line of December that is read in January the year before", () => {
    const january = new Date(2027, 0, 1, 0, 0, 5).getTime();
    expect(parseSyslog("<13>Dec 31 23:59:58 h a: x", january).time).toBe(local(2026, 11, 31, 23, 59, 58));
  });

  it("gives a line whose clock is ahead of the new year the year after", () => {
    const december = new Date(2026, 11, 31, 23, 59, 58).getTime();
    expect(parseSyslog("<13>Jan  1 00:00:03 h a: x", december).time).toBe(local(2027, 0, 1, 0, 0, 3));
  });

  it.each([
    [
      "UTC before a colon, as routers write it",
      "Nov 22 00:20:10 UTC: %SYS-5-CONFIG_I: Configured",
      "00:20:10",
      "%SYS-5-CONFIG_I",
    ],
    ["a zone of its own", "*Nov 22 00:20:10.000 CET: %LINK-3-UPDOWN: up", "-1", "%LINK-3-UPDOWN"],
    ["an offset", "Nov 22 00:20:10 +0200: %LINK-3-UPDOWN: up", "-2", "%LINK-3-UPDOWN"],
    ["UTC before a host", "Nov 22 00:20:10 UTC web1 app: up", "00:20:10", "app"],
  ])("reads %s by its zone, wherever this daemon runs", (_what, message, clock, app) => {
    const at = Date.UTC(2026, 10, 22, 0, 20, 10) + (clock.startsWith("-") ? Number(clock) * 3_600_000 : 0);
    const record = parse(`<189>${message}`);
    expect(record).toMatchObject({ time: new Date(at).toISOString(), app });
    expect(record.text).not.toMatch(/UTC|CET|\+0200/);
  });

  it("leaves a zone that it does not know in the text, with its time", () => {
    expect(parse("<189>Nov 22 00:20:10 XYZ: %SYS-5-CONFIG_I: Configured").text).toBe(
      "Nov 22 00:20:10 XYZ: %SYS-5-CONFIG_I: Configured",
    );
  });

  it("takes a tag in capitals for a tag", () => {
    expect(parse("<78>Nov 22 14:20:55 CRON: run")).toMatchObject({
      app: "CRON",
      time: local(2026, 10, 22, 14, 20, 55),
    });
    expect(parse("<78>Nov 22 14:20:55 MST host1: run")).toMatchObject({ host: "MST", app: "host1" });
  });

  it("gives a line of a device that was never set the January that is past, and not one to come", () => {
    const november = new Date(2026, 10, 30, 0, 20, 10).getTime();
    expect(parseSyslog("<189>Jan  1 00:00:15 sw1 a: x", november).time).toBe(local(2026, 0, 1, 0, 0, 15));
    expect(parseSyslog("<189>Dec  2 00:00:15 sw1 a: x", november).time).toBe(local(2025, 11, 2, 0, 0, 15));
    expect(parseSyslog("<189>Nov 30 20:00:15 sw1 a: x", november).time).toBe(local(2026, 10, 30, 20, 0, 15));
  });

  it.each(["<13>\ufefftext", "<13>Nov 22 14:20:55 h app: \ufefftext", "<13>app: \ufefftext", "\ufefftext"])(
    "strips the byte order mark of %j, wherever the text begins",
    (message) => expect(parse(message).text).toBe("text"),
  );

  it("keeps a 29 February of no near year as text", () => {
    expect(parse("<13>Feb 29 10:00:00 h a: x")).toEqual({
      facility: "user",
      severity: "notice",
      text: "Feb 29 10:00:00 h a: x",
    });
  });
});

describe("any input", () => {
  const token = fc.stringMatching(/^[a-z0-9_-]{1,12}$/);
  const anything = fc.oneof(
    fc.string({ unit: "binary", maxLength: 200 }),
    fc.string({ unit: "grapheme", maxLength: 200 }),
    fc
      .array(
        fc.constantFrom(
          "<34>",
          "1 ",
          "- ",
          "-",
          "[",
          "]",
          '"',
          "\\",
          "=",
          "a",
          ": ",
          "Nov 22 14:20:55 ",
          "2026-11-22T14:20:55Z ",
          "\ufeff",
          " ",
          "\n",
        ),
        {
          maxLength: 40,
        },
      )
      .map((parts) => parts.join("")),
  );

  it("never throws, and the text is always the end of the message", () => {
    fc.assert(
      fc.property(anything, (message) => {
        const record = parse(message);
        expect(message.endsWith(record.text)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it("loses no character: what is not text is a recognised part of the header", () => {
    fc.assert(
      fc.property(anything, (message) => {
        const { text, time, severity, ...named } = parse(message);
        if (time === undefined && severity === undefined && named.app === undefined)
          expect(text).toBe(message.replace(/^\ufeff{1,2}/, ""));
        const header = message.slice(0, message.length - text.length);
        for (const part of [named.host, named.app, named.pid, named.msgid, ...(named.structured ?? [])]) {
          if (part !== undefined) expect(header).toContain(part);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it("keeps any text behind a header of each form", () => {
    const text = fc.string({ unit: "grapheme", maxLength: 100 }).filter((t) => !t.startsWith("\ufeff"));
    fc.assert(
      fc.property(token, token, fc.nat(99_999), text, (host, app, pid, body) => {
        const forms = [
          `<14>1 2026-11-22T14:20:55Z ${host} ${app} ${pid} - - ${body}`,
          `<14>2026-11-22T14:20:55+01:00 ${host} ${app}[${pid}]: ${body}`,
          `<14>Nov 22 14:20:55 ${host} ${app}[${pid}]: ${body}`,
        ];
        for (const form of forms) {
          const nil = host === "-" || app === "-";
          if (!nil && !host.startsWith("-"))
            expect(parse(form)).toMatchObject({ host, app, pid: String(pid), text: body });
        }
      }),
    );
  });

  it("reads a long hostile message in linear time", () => {
    const hostile = `<14>1 - - - - - ${'[a b="\\'.repeat(8_000)}`;
    const long = `<14>1 - - - - - [a${" ".repeat(60_000)}x`;
    expect(parse(hostile).text.length).toBeGreaterThan(1_000);
    expect(parse(long).text.length).toBeGreaterThan(60_000);
  }, 2_000);
});
