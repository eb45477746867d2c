import { expect, test } from "vitest";
import { serviceNotice } from "../../src/platform/service-notice.ts";
import { SimulatedClock } from "../harness/clock.ts";

function started(env: Record<string, string>) {
  const clock = new SimulatedClock();
  const said: string[] = [];
  const sockets: string[] = [];
  const given: Record<string, string | undefined> = { PATH: "/bin", ...env };
  const manager = serviceNotice(given, 7, clock, (socket) => {
    sockets.push(socket);
    return { send: (assignment) => said.push(assignment), close: () => said.push("closed") };
  });
  return { clock, said, sockets, env: given, manager };
}

test("a manager that asks for signs of life gets one in each half of its patience, from ready to the end", async () => {
  const { clock, said, sockets, manager } = started({ NOTIFY_SOCKET: "/run/n", WATCHDOG_USEC: "60000000" });
  expect(sockets).toEqual(["/run/n"]);
  expect(clock.armed).toBe(0);
  manager?.ready("ship1 is\nup");
  expect(said.splice(0)).toEqual(["STATUS=ship1 is up", "READY=1", "WATCHDOG=1"]);
  await clock.advance(29_999);
  expect(said).toEqual([]);
  await clock.advance(1);
  expect(said.splice(0)).toEqual(["WATCHDOG=1"]);
  manager?.stopping();
  await clock.advance(30_000);
  expect(said.splice(0)).toEqual(["STOPPING=1", "WATCHDOG=1"]);
  manager?.close();
  manager?.close();
  expect(said).toEqual(["closed"]);
  expect(clock.armed).toBe(0);
});

test.each([
  ["asks for none", { NOTIFY_SOCKET: "/run/n" }],
  ["watches another process", { NOTIFY_SOCKET: "/run/n", WATCHDOG_USEC: "1000000", WATCHDOG_PID: "8" }],
  ["asks in words that are no number", { NOTIFY_SOCKET: "/run/n", WATCHDOG_USEC: "1e9" }],
])("a manager that %s hears of ready and of the stop alone", (_, env) => {
  const { clock, said, manager } = started(env);
  manager?.ready("up");
  manager?.stopping();
  expect(said).toEqual(["STATUS=up", "READY=1", "STOPPING=1"]);
  expect(clock.armed).toBe(0);
});

test("programs that the daemon starts do not find the manager's socket", () => {
  const { env } = started({ NOTIFY_SOCKET: "/run/n", WATCHDOG_USEC: "1000000", WATCHDOG_PID: "7", INVOCATION_ID: "a" });
  expect(env).toEqual({ PATH: "/bin", INVOCATION_ID: "a" });
});

test("without a manager there is none", () => {
  expect(started({}).manager).toBeUndefined();
  expect(started({ NOTIFY_SOCKET: "", WATCHDOG_USEC: "1000000" }).manager).toBeUndefined();
});
