import { expect, test } from "vitest";
import { JSON_TYPE } from "../api-room.ts";
import { ANN, pageRoom } from "./page-room.ts";

const ORDER = JSON.stringify({ subject: "ship1.command.shellcommand.operatingsystem", data: ["true"] });

test("a name that leads here and is not ours is refused: DNS rebinding", async () => {
  const { ask, login, port } = await pageRoom();
  const { cookie } = await login();
  for (const host of ["evil.example", `evil.example:${port}`, "127.0.0.1", "127.0.0.1:1", `a@127.0.0.1:${port}`])
    for (const path of ["/", "/session", "/v1/nodes", "/login/x"])
      expect((await ask("GET", path, { cookie, host })).status, `${host} ${path}`).toBe(421);
  for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`])
    expect((await ask("GET", "/v1/nodes", { cookie, host })).status, host).toBe(200);
});

test("what another site has a browser send changes nothing and reads nothing", async () => {
  const { ask, login, operations, origin, port } = await pageRoom();
  const { cookie, csrf } = await login();
  const page = { cookie, ...JSON_TYPE, "steward-csrf": csrf };
  const submit = (headers: Record<string, string>) => ask("POST", "/v1/messages", headers, ORDER);
  for (const site of ["cross-site", "same-site"]) {
    expect((await submit({ ...page, "sec-fetch-site": site })).status).toBe(403);
    expect((await ask("GET", "/v1/nodes", { cookie, "sec-fetch-site": site })).status).toBe(403);
    expect((await ask("DELETE", "/session", { ...page, "sec-fetch-site": site })).status).toBe(403);
  }
  for (const from of [
    "https://evil.example",
    `http://evil.example:${port}`,
    "null",
    `http://127.0.0.1:1`,
    `https://127.0.0.1:${port}`,
  ])
    expect((await submit({ ...page, origin: from })).status, from).toBe(403);
  const { "steward-csrf": _, ...withoutHeader } = page;
  expect((await submit(withoutHeader)).status).toBe(403);
  expect((await submit({ ...page, "steward-csrf": `${csrf}x` })).status).toBe(403);
  expect((await ask("DELETE", "/session", withoutHeader)).status).toBe(403);
  expect((await submit({ ...page, "content-type": "text/plain" })).status).toBe(415);
  expect(operations.callsOf("submit")).toEqual([]);
  expect((await submit({ ...page, origin, "sec-fetch-site": "same-origin" })).status).toBe(201);
  expect((await ask("POST", "/v1/messages", page, "x".repeat(40 * 1024 * 1024))).status).toBe(413);
});

test("methods that an operation does not have are refused", async () => {
  const { ask, login } = await pageRoom();
  const { cookie, csrf } = await login();
  const page = { cookie, "steward-csrf": csrf };
  expect(await ask("PUT", "/v1/nodes", page)).toMatchObject({ status: 405, headers: { allow: "GET" } });
  expect((await ask("PUT", "/session", page)).status).toBe(405);
  expect((await ask("GET", "/v1/nothing", page)).status).toBe(404);
});

test("behind a reverse proxy its address is ours, and the cookie goes over HTTPS alone", async () => {
  const { ask, sessions, port, origin } = await pageRoom({ address: new URL("https://fleet.example.org") });
  expect(origin).toBe("https://fleet.example.org");
  for (const host of ["fleet.example.org", `127.0.0.1:${port}`]) {
    const entered = await ask("GET", `/login/${sessions.link(ANN).secret}`, { host });
    expect(entered.headers["strict-transport-security"]).toMatch(/max-age=/);
    const [setCookie = ""] = entered.headers["set-cookie"] ?? [];
    expect(setCookie).toMatch(/^__Host-steward-\d+=[\w-]+; Path=\/; HttpOnly; SameSite=Strict; Secure$/);
    const cookie = setCookie.split(";", 1)[0] ?? "";
    const headers = { host, cookie, origin: "https://fleet.example.org" };
    expect((await ask("GET", "/v1/nodes", headers)).status).toBe(200);
    expect((await ask("GET", "/v1/nodes", { ...headers, origin: "http://fleet.example.org" })).status).toBe(403);
  }
});
