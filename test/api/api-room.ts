import { readdir } from "node:fs/promises";
import { type IncomingHttpHeaders, request } from "node:http";
import { join } from "node:path";
import { expect } from "vitest";
import { openClient } from "../../src/api/client.ts";
import { type Api, openApi } from "../../src/api/server.ts";
import type { Client } from "../../src/runtime/operate/table.ts";
import { type FakeOperations, fakeOperations, openDoor } from "../harness/fake-operations.ts";
import { listLog } from "../harness/list-log.ts";
import { atTestEnd, tempDir } from "../harness/temp.ts";

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface ApiRoom {
  readonly operations: FakeOperations;
  readonly client: Client;
  readonly socket: string;
  readonly log: ReturnType<typeof listLog>;
  readonly api: Api;
  /** One request with node:http and nothing of ours in between. */
  ask(method: string, path: string, body?: string | Buffer, headers?: Record<string, string>): Promise<Answer>;
  /** Stops, and proves that nothing is left: no socket, no timer, no watcher. */
  end(): Promise<void>;
}

/** The API over fake operations on a socket in a directory of its own. */
export async function apiRoom(): Promise<ApiRoom> {
  const directory = await tempDir();
  const socket = join(directory, "api.sock");
  const operations = fakeOperations();
  const { clock } = operations;
  const log = listLog();
  const api = await openApi({
    operations,
    reception: openDoor(operations),
    daemon: { header: "central" },
    path: socket,
    clock,
    log,
  });
  // A test that fails before its end leaves no listener either.
  atTestEnd(
    () => api.stop(),
    () => undefined,
  );
  return {
    operations,
    client: openClient({ socket, clock }),
    socket,
    log,
    api,
    ask: (method, path, body, headers = {}) => askRaw({ socketPath: socket }, method, path, body, headers),
    end: async () => {
      await api.stop();
      expect(await readdir(directory)).toEqual([]);
      expect(operations.watchers).toBe(0);
      expect(clock.armed).toBe(0);
    },
  };
}

export function askRaw(
  where: { readonly socketPath: string } | { readonly host: string; readonly port: number },
  method: string,
  path: string,
  body?: string | Buffer,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { ...where, method, path, headers: { host: "steward", ...headers }, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString(),
          }),
        );
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

export const JSON_TYPE = { "content-type": "application/json" };
