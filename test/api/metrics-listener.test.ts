import { expect, test } from "vitest";
import { serveMetrics } from "../../src/api/server.ts";
import { fakeOperations } from "../harness/fake-operations.ts";
import { askRaw } from "./api-room.ts";

test("the listener on TCP serves /metrics and /healthz and nothing else", async () => {
  const operations = fakeOperations();
  const listener = await serveMetrics({ host: "127.0.0.1", port: 0 }, operations);
  const ask = (method: string, path: string) => askRaw({ host: "127.0.0.1", port: listener.port }, method, path);
  try {
    const metrics = await ask("GET", "/metrics?x=1");
    expect(metrics).toMatchObject({ status: 200, text: operations.metricsText });
    expect(metrics.headers["content-type"]).toContain("version=0.0.4");
    expect((await ask("GET", "/healthz")).status).toBe(200);
    expect(await ask("HEAD", "/healthz")).toMatchObject({ status: 200, text: "" });
    operations.healthNow = { ...operations.healthNow, ok: false };
    expect((await ask("GET", "/healthz")).status).toBe(503);
    for (const [method, path] of [
      ["GET", "/"],
      ["GET", "/v1/nodes"],
      ["POST", "/v1/messages"],
      ["POST", "/metrics"],
    ] as const) {
      expect((await ask(method, path)).status).toBe(404);
    }
    operations.failWith("metrics", new Error("broken"));
    expect((await ask("GET", "/metrics")).status).toBe(500);
    expect(operations.callsOf("submit")).toEqual([]);
    await expect(serveMetrics({ host: "127.0.0.1", port: listener.port }, operations)).rejects.toMatchObject({
      code: "EADDRINUSE",
    });
  } finally {
    await listener.stop();
  }
  await expect(ask("GET", "/metrics")).rejects.toMatchObject({ code: "ECONNREFUSED" });
});
