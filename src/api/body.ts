import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { StewardError } from "../message/errors.ts";
import { readJson } from "../message/text/json-reader.ts";
import { positions, toJson } from "../message/text/located.ts";
import { textOf } from "../message/text/text.ts";
import { RequestRefused } from "./failure.ts";

/** A body is read and thrown away up to this multiple of the limit, so that the refusal reaches a client that is still sending. */
const DISCARD_FACTOR = 4;

/**
 * Reads a request's JSON, bounded before it is decoded: bytes, then nesting, then syntax.
 * `digest`: the body must have it, where its sender signed it.
 *
 * @throws RequestRefused 400, 413 or 415, with the fault of the body; StewardError `signature-refused`
 */
export async function readBody(
  incoming: IncomingMessage,
  limits: { bodyBytes: number; nesting: number },
  digest: string | undefined,
): Promise<unknown> {
  const type = (incoming.headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json") {
    throw new RequestRefused(
      415,
      type === ""
        ? "the body has no content type, application/json is needed"
        : `the body is ${type}, application/json is needed`,
    );
  }
  const coding = incoming.headers["content-encoding"] ?? "identity";
  if (coding !== "identity") throw new RequestRefused(415, `the body is encoded with ${coding}, which is not taken`);

  const bytes = await readBounded(incoming, limits.bodyBytes);
  if (digest !== undefined && createHash("sha256").update(bytes).digest("base64url") !== digest)
    throw new StewardError("signature-refused", { fault: "the body is another one than was signed" });
  if (bytes.length === 0) throw new RequestRefused(400, "the body is empty");
  const read = textOf(bytes);
  if ("fault" in read) throw new RequestRefused(400, `the body cannot be read: ${read.fault}`);
  const text = read.text.replace(/^\uFEFF/, "");
  if (deeperThan(text, limits.nesting))
    throw new RequestRefused(400, `the body is nested deeper than ${limits.nesting} levels`);
  return only(text);
}

/** Parses a JSON text of exactly one value, by the rules of a message file. */
function only(text: string): unknown {
  const { values, faults } = readJson(text, { anyKey: true });
  const [value] = values;
  const [fault] = faults;
  if (fault !== undefined) {
    const { line, column } = positions(text)(fault.at);
    throw new RequestRefused(400, `the body is not JSON that is taken: line ${line}, column ${column}: ${fault.text}`);
  }
  if (value === undefined || values.length > 1)
    throw new RequestRefused(400, `the body is not JSON: it holds ${values.length} values, one is needed`);
  return toJson(value);
}

async function readBounded(incoming: IncomingMessage, limit: number): Promise<Buffer> {
  const announced = Number(incoming.headers["content-length"] ?? 0);
  if (announced > limit * DISCARD_FACTOR) throw tooLarge(limit);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    // The connection stays open after the loop: the refusal has to go back over it.
    for await (const chunk of incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size <= limit) chunks.push(chunk);
      else chunks.length = 0;
      if (size > limit * DISCARD_FACTOR) break;
    }
  } catch {
    throw new RequestRefused(400, "the body ended too early");
  }
  if (size > limit) throw tooLarge(limit);
  return Buffer.concat(chunks, size);
}

function tooLarge(limit: number): RequestRefused {
  return new RequestRefused(413, `the body is larger than ${limit} bytes`);
}

/** True if brackets outside of strings nest deeper than `limit`. The text need not be valid JSON. */
export function deeperThan(text: string, limit: number): boolean {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 0x22) {
      i++;
      while (i < text.length && text.charCodeAt(i) !== 0x22) i += text.charCodeAt(i) === 0x5c ? 2 : 1;
    } else if (c === 0x5b || c === 0x7b) {
      if (++depth > limit) return true;
    } else if (c === 0x5d || c === 0x7d) depth--;
  }
  return false;
}
