import fc from "fast-check";
import { type Frame, Framer } from "../../../src/methods/syslog/network/framing.ts";
import { parseSyslog } from "../../../src/methods/syslog/network/parse.ts";
import { parseBatch, weightOf } from "../../../src/methods/syslog/record.ts";
import { decode, trimEnd } from "../../../src/methods/syslog/text.ts";
import { renderLine } from "../../../src/methods/syslog/write/render.ts";
import { damaged, damagedText } from "../damage.ts";
import { insist, insistSame, isPlain, type Target } from "../target.ts";

/** What devices send to a log port. */
const NOW = Date.UTC(2030, 0, 1);

const lines = fc.oneof(
  fc.constantFrom(
    "<34>1 2003-10-11T22:14:15.003Z host.example su - ID47 - 'su root' failed",
    '<165>1 2003-10-11T22:14:15.003Z h evntslog 7 ID47 [a@1 iut="3" e="App\\]\\""][b@1 c="d"] text',
    "<34>Oct 11 22:14:15 mymachine su[12]: text",
    "<13>2026-11-22T14:20:55.123456+01:00 host app[7]: text",
    "<189>*Mar  1 18:46:11.123: %SYS-5-CONFIG_I: Configured",
    "<0>app: text",
    "text and no more",
  ),
  fc.string({ unit: "binary", maxLength: 200 }),
);

/** One datagram, or one line of a stream. */
export const syslogLines: Target = {
  name: "syslog-line",
  about: "one syslog message: a datagram, or a frame of a TCP stream",
  runs: 3000,
  input: damagedText(lines),
  check(input) {
    const { text } = decode(Buffer.from(input));
    const record = { time: new Date(NOW).toISOString(), ...parseSyslog(text, NOW) };
    insist(text.endsWith(record.text), "the text is the end of the message, whatever was recognised before it");
    parseBatch({ lines: [record] });
    insist(weightOf(record) >= Buffer.byteLength(record.text), "a record weighs what it carries");
    const shown = renderLine(record);
    insist(isPlain(shown, "\t"), "what is stored is one line");
    insist(parseSyslog(record.text, NOW).text.length <= record.text.length, "parsing ends");
  },
};

const framed = fc
  .array(
    fc.tuple(lines, fc.constantFrom("counted", "newline", "wrong count")).map(([line, framing]) => {
      const bytes = Buffer.from(line);
      if (framing === "newline") return Buffer.concat([bytes, Buffer.from("\n")]);
      return Buffer.concat([Buffer.from(`${framing === "counted" ? bytes.length : 9_999_999} `), bytes]);
    }),
    { maxLength: 6 },
  )
  .map((frames) => Buffer.concat(frames) as Uint8Array);

export const syslogStreams: Target = {
  name: "syslog-stream",
  about: "the bytes of a syslog connection over TCP: octet counting and newlines, whole and in pieces",
  runs: 1200,
  input: damaged(framed),
  check(input) {
    const bytes = Buffer.from(input);
    const whole = frames(bytes, bytes.length);
    for (const size of [1, 7]) insistSame(frames(bytes, size), whole, `the frames of pieces of ${size}`);
    let total = 0;
    for (const { bytes: kept } of whole) {
      insist(trimEnd(kept).length <= LONGEST, "a frame is bounded");
      total += kept.length;
    }
    insist(total <= bytes.length, "no byte is handed over twice");
    for (const { bytes: kept } of frames(bytes, bytes.length, 10))
      insist(trimEnd(kept).length <= 10, "a frame is bounded, however small the bound");
  },
};

const LONGEST = 32 * 1024;

function frames(bytes: Buffer, size: number, limit = LONGEST): Frame[] {
  const framer = new Framer(() => limit);
  const found: Frame[] = [];
  for (let at = 0; at < bytes.length; at += size) found.push(...framer.push(bytes.subarray(at, at + size)));
  return [...found, ...framer.end()];
}
