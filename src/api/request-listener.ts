import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Hono } from "hono";
import { RequestRefused } from "./failure.ts";

/** A request and its answer as Node.js has them, for what the application does with them itself. */
export interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
}

/** Requests are told apart by their path alone; the name stands where an address must have one. */
const BASE = "http://steward";

/**
 * The application as a server of Node.js takes it. The application reads the body from the exchange itself, and an answer that
 * it has begun there is its own. Node.js's classes of requests and answers are a seventh of the memory of an idle daemon: they
 * are first touched with the first request.
 *
 * @param failed the answer to a request that is too broken for the application
 */
export function requestListener(
  app: Hono<{ Bindings: Exchange }>,
  failed: (thrown: unknown) => Response,
): RequestListener {
  return (incoming, outgoing) => {
    answered(app, incoming, outgoing)
      .catch(failed)
      .then((response) => write(response, outgoing))
      .catch(() => outgoing.destroy());
  };
}

async function answered(
  app: Hono<{ Bindings: Exchange }>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<Response> {
  const { method = "GET", url = "" } = incoming;
  const request = { method, url: addressOf(url), headers: headersOf(incoming) };
  return await app.fetch(request as Request, { incoming, outgoing });
}

/** @throws RequestRefused when the target is no path */
function addressOf(target: string): string {
  const address = target.startsWith("/") ? `${BASE}${target}` : target;
  const [path = ""] = target.split("?");
  // A parser of addresses takes a backslash for a slash: the path would not be the one that was asked for.
  if (path.includes("\\") || !/^https?:\/\//.test(address) || !URL.canParse(address))
    throw new RequestRefused(400, "its target is no path");
  return new URL(address).href;
}

/** Fields that are there more than once are joined, and never one of them taken for all. */
function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers();
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) headers.append(rawHeaders[i] ?? "", rawHeaders[i + 1] ?? "");
  return headers;
}

async function write(response: Response, outgoing: ServerResponse): Promise<void> {
  if (outgoing.headersSent) return;
  const headers = Object.fromEntries(response.headers);
  if (response.body === null) {
    outgoing.writeHead(response.status, headers);
    outgoing.end();
    return;
  }
  const body = Buffer.from(await response.arrayBuffer());
  outgoing.writeHead(response.status, { ...headers, "content-length": body.byteLength });
  outgoing.end(body);
}
