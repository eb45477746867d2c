import { expect, test } from "vitest";
import { world } from "../world.ts";

test("open prints a link alone on its standard output, for a browser or a pipe", async () => {
  const w = await world();
  const { code, out, err } = await w.run(["open"]);
  expect({ code, out }).toEqual({ code: 0, out: "http://127.0.0.1:8300/login/SECRET\n" });
  expect(err).toContain("good once");
});

test("token prints the token of a role for a time, and how to end it", async () => {
  const w = await world();
  const { out, err } = await w.run(["token", "--for", "2h", "--role", "viewer"]);
  expect(out).toBe("TOKEN\n");
  expect(err).toContain("steward sessions end 0a1b2c3d4e");
  expect(w.ops.callsOf("issueToken").at(-1)?.args).toEqual([{ role: "viewer", lasts: 7_200_000 }]);
  expect(await w.run(["token", "--role", "king"])).toMatchObject({
    code: 2,
    err: expect.stringContaining("viewer, operator, admin"),
  });
});

test("sessions lists the logins that are open, and ends some or all of them", async () => {
  const w = await world();
  const times = { createdAt: 1_000, expiresAt: 5_000, lastUsedAt: 2_000 };
  w.ops.sessionList = [
    { id: "aa", kind: "page", by: "local", role: "admin", ...times },
    { id: "bb", kind: "token", by: "local", role: "viewer", ...times },
  ];
  expect((await w.run(["sessions"])).out).toMatch(
    /^ID +KIND +WHO +ROLE +SINCE +USED +ENDS\naa +browser +local +admin .*\nbb +token +local +viewer .*\n$/,
  );
  expect(await w.run(["sessions", "end"])).toMatchObject({
    code: 2,
    err: expect.stringContaining("end needs the ids"),
  });
  expect(await w.run(["sessions", "end", "cc"])).toMatchObject({
    code: 2,
    err: expect.stringContaining("no login has the id cc"),
  });
  expect(await w.run(["sessions", "end", "all"])).toMatchObject({ code: 0, out: "2 logins ended\n" });
  expect((await w.run(["sessions"])).err).toBe("nobody is logged in at the page, and no token is open\n");
});
