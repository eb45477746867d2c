import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { StewardError } from "../../../src/message/errors.ts";
import { systemRandom } from "../../../src/platform/system-clock.ts";
import { LOGIN_LIMITS } from "../../../src/security/sessions/failed-logins.ts";
import { SessionFile } from "../../../src/security/sessions/session-file.ts";
import { SESSION_LIMITS, Sessions } from "../../../src/security/sessions/sessions.ts";
import { SimulatedClock } from "../../harness/clock.ts";
import { eventuallySeen } from "../../harness/eventually.ts";
import { listLog } from "../../harness/list-log.ts";
import { tempDir } from "../../harness/temp.ts";
import { JSON_TYPE } from "../api-room.ts";
import { ANN, IDLE, LONGEST, pageRoom } from "./page-room.ts";

const codeOf = ({ text }: { text: string }): string => (JSON.parse(text) as { error: { code: string } }).error.code;

test("a link logs in once: its cookie is for this page alone, the secret leaves the address and is in no log", async () => {
  const { ask, sessions, port, log, logins, origin } = await pageRoom();
  expect(origin).toBe(`http://127.0.0.1:${port}`);
  expect(await ask("GET", "/v1/nodes")).toMatchObject({ status: 401, headers: { "cache-control": "no-store" } });
  expect((await ask("GET", "/session")).status).toBe(401);
  const { secret } = sessions.link(ANN);
  const entered = await ask("GET", `/login/${secret}`);
  expect(entered).toMatchObject({
    status: 303,
    text: "",
    headers: { location: "/", "referrer-policy": "no-referrer" },
  });
  const [setCookie = ""] = entered.headers["set-cookie"] ?? [];
  expect(setCookie).toMatch(new RegExp(`^steward-${port}=[\\w-]{43}; Path=/; HttpOnly; SameSite=Strict$`));
  const cookie = setCookie.split(";", 1)[0] ?? "";
  for (let reload = 0; reload < 2; reload++) {
    const session = await ask("GET", "/session", { cookie });
    expect(JSON.parse(session.text)).toMatchObject({ node: "central", by: "ann", role: "operator", kind: "page" });
  }
  expect((await ask("GET", "/v1/nodes", { cookie })).status).toBe(200);

  const again = await ask("GET", `/login/${secret}`);
  expect(again.status).toBe(401);
  expect(again.text).toContain("steward open");
  expect(again.headers["set-cookie"]).toBeUndefined();
  expect(logins).toEqual([
    { by: "ann", from: "127.0.0.1" },
    { by: undefined, from: "127.0.0.1" },
  ]);
  expect(JSON.stringify(log.lines)).not.toContain(secret);
  expect(JSON.stringify(log.lines)).not.toContain(cookie.split("=")[1]);
});

test("a link is void after five minutes, and not used up by a preview of it", async () => {
  const { ask, sessions, clock } = await pageRoom();
  const early = sessions.link(ANN).secret;
  expect((await ask("HEAD", `/login/${early}`)).headers["set-cookie"]).toBeUndefined();
  expect((await ask("GET", `/login/${early}`, { "sec-purpose": "prefetch" })).status).toBe(403);
  await clock.advance(5 * 60_000 - 1);
  expect((await ask("GET", `/login/${early}`)).status).toBe(303);
  const late = sessions.link(ANN).secret;
  await clock.advance(5 * 60_000);
  expect((await ask("GET", `/login/${late}`)).status).toBe(401);
});

test("the stream of a session ends when its operator is removed, before anything more is told, and its page is refused", async () => {
  let removed = false;
  const speakerOf = ({ speaker }: { readonly speaker: typeof ANN }) => {
    if (removed)
      throw new StewardError("operator-removed", { operator: "ann", fault: "the operator was removed", central: "c" });
    return speaker;
  };
  const { ask, login, operations } = await pageRoom({ speakerOf });
  const { cookie } = await login();
  const broken = expect(ask("GET", "/v1/events", { cookie })).rejects.toThrow();
  await eventuallySeen("the stream is open", async () => operations.watchers === 1);
  removed = true;
  operations.emit({ type: "node", at: 1, name: "ship1", region: "link", from: "late", to: "online", cause: "c" });
  await broken;
  expect(codeOf(await ask("GET", "/v1/nodes", { cookie }))).toBe("operator-removed");
});

test("a link on another site logs in too: the cookie is sent once our own page leads on", async () => {
  const { ask, sessions } = await pageRoom();
  const answer = await ask("GET", `/login/${sessions.link(ANN).secret}`, { "sec-fetch-site": "cross-site" });
  expect(answer.status).toBe(200);
  expect(answer.headers["set-cookie"]).toHaveLength(1);
  expect(answer.text).toContain('http-equiv="refresh" content="0; url=/"');
});

test("a session ends unused, too old, signed out, or by an operator, who ends its streams with it", async () => {
  const { ask, login, clock, sessions, operations } = await pageRoom();
  const first = await login();
  await clock.advance(IDLE - 1);
  expect((await ask("GET", "/v1/nodes", first)).status).toBe(200);
  await clock.advance(IDLE);
  expect(codeOf(await ask("GET", "/v1/nodes", { cookie: first.cookie }))).toBe("login-needed");

  const second = await login();
  for (let passed = 0; passed < LONGEST; passed += IDLE / 2) {
    await ask("GET", "/v1/nodes", { cookie: second.cookie });
    await clock.advance(IDLE / 2);
  }
  expect((await ask("GET", "/v1/nodes", { cookie: second.cookie })).status).toBe(401);

  const third = await login();
  const stream = ask("GET", "/v1/events", { cookie: third.cookie });
  const broken = expect(stream).rejects.toThrow();
  await eventuallySeen("the stream is open", async () => operations.watchers === 1);
  // An open page is in use.
  await clock.advance(3 * IDLE);
  const [session] = sessions.list();
  expect(session?.speaker.name).toBe("ann");
  sessions.end(session?.id ?? "");
  await broken;
  expect((await ask("GET", "/session", { cookie: third.cookie })).status).toBe(401);

  const fourth = await login();
  const out = await ask("DELETE", "/session", { cookie: fourth.cookie, "steward-csrf": fourth.csrf });
  expect(out.status).toBe(204);
  expect(out.headers["set-cookie"]?.[0]).toMatch(/=; Path=\/; HttpOnly; SameSite=Strict; Max-Age=0$/);
  expect((await ask("GET", "/session", { cookie: fourth.cookie })).status).toBe(401);
});

test("logins that fail make their address wait, longer each time; an open session goes on", async () => {
  const { ask, login, sessions, clock, logins } = await pageRoom();
  const { cookie } = await login();
  for (let i = 0; i <= LOGIN_LIMITS.free; i++) expect((await ask("GET", `/login/wrong${i}`)).status).toBe(401);
  const { secret } = sessions.link(ANN);
  expect(await ask("GET", `/login/${secret}`)).toMatchObject({ status: 429, headers: { "retry-after": "1" } });
  const refused = await ask("GET", "/v1/nodes", { authorization: "Bearer wrong" });
  expect(refused).toMatchObject({ status: 429, headers: { "retry-after": "1" } });
  expect(codeOf(refused)).toBe("logins-refused");
  expect(logins.filter(({ by }) => by === undefined)).toHaveLength(LOGIN_LIMITS.free + 1);
  expect((await ask("GET", "/v1/nodes", { cookie })).status).toBe(200);
  await clock.advance(1_000);
  expect((await ask("GET", "/v1/nodes", { authorization: "Bearer wrong" })).status).toBe(401);
  expect(await ask("GET", "/login/wrong")).toMatchObject({ status: 429, headers: { "retry-after": "2" } });
  await clock.advance(2_000);
  expect((await ask("GET", `/login/${secret}`)).status).toBe(303);
});

test("a token is the login of a machine: it needs no header beside it, and a viewer changes nothing", async () => {
  const { ask, sessions, operations, clock } = await pageRoom();
  const { secret } = sessions.issue(ANN, "operator", 3_600_000);
  const viewer = sessions.issue(ANN, "viewer", 3_600_000);
  const bearer = (token: string) => ({ authorization: `Bearer ${token}`, ...JSON_TYPE });
  const order = JSON.stringify({ subject: "ship1.command.shellcommand.operatingsystem", data: ["true"] });
  expect((await ask("POST", "/v1/messages", bearer(secret), order)).status).toBe(201);
  const refused = await ask("POST", "/v1/messages", bearer(viewer.secret), order);
  expect(refused.status).toBe(403);
  expect(codeOf(refused)).toBe("role-denied");
  expect((await ask("GET", "/v1/nodes", bearer(viewer.secret))).status).toBe(200);
  expect((await ask("GET", "/metrics", bearer(viewer.secret))).status).toBe(200);
  expect((await ask("POST", "/v1/targets", bearer(viewer.secret), '{"to":"all"}')).status).toBe(200);
  expect(operations.callsOf("submit")).toHaveLength(1);
  // A token is no cookie, and a cookie is no token.
  expect((await ask("GET", "/v1/nodes", { cookie: `steward-1=${secret}` })).status).toBe(401);
  for (const path of ["/v1/page/links", "/v1/tokens"])
    expect(codeOf(await ask("POST", path, bearer(secret), '{"lasts":60000}')), path).toBe("socket-only");
  await clock.advance(3_600_000);
  expect((await ask("GET", "/v1/nodes", bearer(secret))).status).toBe(401);
});

test("tokens and sessions are bounded in number: the page that is unused longest goes first", async () => {
  const { sessions } = await pageRoom();
  for (let i = 0; i < SESSION_LIMITS.tokens; i++) sessions.issue(ANN, "viewer", 60_000);
  expect(() => sessions.issue(ANN, "viewer", 60_000)).toThrow(/100 tokens are open/);
  const secrets = Array.from(
    { length: SESSION_LIMITS.pages + 1 },
    () => sessions.enter(sessions.link(ANN).secret)?.secret ?? "",
  );
  expect(sessions.find("page", secrets[0] ?? "")).toBeUndefined();
  expect(sessions.find("page", secrets[1] ?? "")).toBeDefined();
  const links = Array.from({ length: SESSION_LIMITS.links + 1 }, () => sessions.link(ANN).secret);
  expect(sessions.enter(links[0] ?? "")).toBeUndefined();
  expect(sessions.enter(links[1] ?? "")).toBeDefined();
});

test("logins outlive the daemon, by their hashes alone; what was over meanwhile and a damaged file let nobody in", async () => {
  const directory = await tempDir();
  const clock = new SimulatedClock();
  const log = listLog();
  const open = (): Sessions =>
    new Sessions({
      clock,
      random: systemRandom,
      times: () => ({ idle: IDLE, longest: LONGEST }),
      keeper: new SessionFile(directory, log),
    });
  const before = open();
  const { secret: page } = before.enter(before.link(ANN).secret) ?? { secret: "" };
  const { secret: token } = before.issue(ANN, "viewer", 2 * IDLE);
  const link = before.link(ANN).secret;
  const file = join(directory, "sessions.json");
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const text = await readFile(file, "utf8");
  for (const secret of [page, token, before.csrfOf(page)]) expect(text).not.toContain(secret);

  const after = open();
  expect(after.find("page", page)).toMatchObject({ speaker: ANN, role: "operator" });
  expect(after.find("token", token)).toMatchObject({ role: "viewer" });
  expect(after.csrfOf(page)).toBe(before.csrfOf(page));
  expect(after.enter(link)).toBeUndefined();
  await clock.advance(IDLE);
  expect(open().find("page", page)).toBeUndefined();
  await clock.advance(IDLE);
  expect(open().list()).toEqual([]);
  for (const damaged of ["{", '{"version":2,"sessions":[]}', '{"version":1,"sessions":[{"hash":"00"}]}']) {
    await writeFile(file, damaged);
    expect(open().list()).toEqual([]);
  }
  expect(log.lines.map(({ level }) => level)).toEqual(["warn", "warn", "warn"]);
});
