import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { extname, join } from "node:path";
import { atTestEnd } from "../harness/temp.ts";

/** The policy under which the page has to work. */
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:";
const TYPES: Readonly<Record<string, string>> = {
  ".js": "text/javascript",
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
};
const HEARTBEAT = 2_000;

/** A listener for the page in front of the API's socket, whose network a test can cut. */
export interface Front {
  readonly url: string;
  /** From now on nothing passes, and nobody is told: as when a cable is pulled. */
  cut(): void;
  heal(): void;
  /** Answers requests whose path begins so with this status, until it is called with 0. */
  fail(path: string, status: number): void;
}

export async function startFront(socketPath: string, files: string): Promise<Front> {
  const sockets = new Set<Socket>();
  const failing = new Map<string, number>();
  let isCut = false;
  const server = createServer((incoming, outgoing) => {
    if (isCut) return;
    const { pathname } = new URL(incoming.url ?? "/", "http://page");
    const refused = [...failing].find(([path]) => pathname.startsWith(path));
    if (refused !== undefined) outgoing.writeHead(refused[1]).end("{}");
    else if (pathname === "/session")
      answer(outgoing, { by: "local", role: "admin", csrf: "word", node: "central", version: "0" });
    else if (pathname.startsWith("/v1/") || pathname === "/healthz") pass(socketPath, incoming, outgoing);
    else void file(files, pathname, outgoing);
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    if (isCut) socket.pause();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the front has no port");
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
      for (const socket of sockets) socket.destroy();
    });
  atTestEnd(stop, () => undefined);
  return {
    url: `http://127.0.0.1:${address.port}`,
    cut: () => {
      isCut = true;
      for (const socket of sockets) {
        socket.pause();
        socket.cork();
      }
    },
    heal: () => {
      isCut = false;
      for (const socket of sockets) socket.destroy();
    },
    fail: (path, status) => {
      if (status === 0) failing.delete(path);
      else failing.set(path, status);
    },
  };
}

function answer(outgoing: ServerResponse, body: unknown): void {
  outgoing.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function pass(socketPath: string, incoming: IncomingMessage, outgoing: ServerResponse): void {
  const { host: _host, ...headers } = incoming.headers;
  const onward = request(
    { socketPath, path: incoming.url, method: incoming.method, headers: { ...headers, host: "steward" } },
    (response) => {
      outgoing.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(outgoing);
      response.on("close", () => outgoing.destroy());
      if (response.headers["content-type"] !== "text/event-stream") return;
      const beat = setInterval(
        () => outgoing.write(`event: heartbeat\ndata: ${JSON.stringify({ asOf: Date.now() })}\n\n`),
        HEARTBEAT,
      );
      outgoing.on("close", () => {
        clearInterval(beat);
        onward.destroy();
      });
    },
  );
  onward.on("error", () => outgoing.writeHead(502).end());
  incoming.pipe(onward);
}

async function file(files: string, pathname: string, outgoing: ServerResponse): Promise<void> {
  const name = /\.[a-z]+$/.test(pathname) ? pathname : "/index.html";
  try {
    const content = await readFile(join(files, name));
    outgoing.writeHead(200, {
      "content-type": TYPES[extname(name)] ?? "application/octet-stream",
      "content-security-policy": POLICY,
    });
    outgoing.end(content);
  } catch {
    outgoing.writeHead(404).end();
  }
}
