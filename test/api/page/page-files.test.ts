import { rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { HASHED, pageRoom } from "./page-room.ts";

test("the page is served for each of its views, a hashed file for ever, and all with a strict policy", async () => {
  const { ask } = await pageRoom();
  for (const path of ["/", "/index.html", "/nodes/ship1", "/messages?state=failed"]) {
    const page = await ask("GET", path);
    expect(page, path).toMatchObject({ status: 200, text: "<!doctype html><title>steward</title>" });
    expect(page.headers["cache-control"]).toBe("no-store");
    expect(page.headers["content-type"]).toBe("text/html; charset=utf-8");
  }
  const script = await ask("GET", HASHED);
  expect(script.headers).toMatchObject({
    "content-type": "text/javascript; charset=utf-8",
    "cache-control": "public, max-age=31536000, immutable",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
  });
  expect(script.headers["content-encoding"]).toBeUndefined();
  const policy = String(script.headers["content-security-policy"]);
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toMatch(/unsafe|\*|https?:/);
  expect(script.headers["strict-transport-security"]).toBeUndefined();
  expect(await ask("HEAD", HASHED)).toMatchObject({
    status: 200,
    text: "",
    headers: { "content-length": String(script.text.length) },
  });
});

test("a file is zipped for a browser that can unzip it", async () => {
  const { ask } = await pageRoom();
  const zipped = await ask("GET", HASHED, { "accept-encoding": "gzip, deflate, br" });
  expect(zipped.headers).toMatchObject({ "content-encoding": "gzip", vary: "accept-encoding" });
  expect(Number(zipped.headers["content-length"])).toBeLessThan(200);
});

test("no path leads out of the folder, and no link in it", async () => {
  const { ask, folder, directory } = await pageRoom();
  await symlink(join(directory, "secret.txt"), join(folder, "assets", "link.txt"));
  await writeFile(join(folder, "index.html"), "<!doctype html><title>a new build</title>");
  expect((await ask("GET", "/")).text).toContain("a new build");
  for (const path of [
    "/../secret.txt",
    "/assets/../../secret.txt",
    "/%2e%2e/secret.txt",
    "/assets/..%2f..%2fsecret.txt",
    "/assets/link.txt",
    "//secret.txt",
    "/assets/%00.js",
    "/assets/missing",
    "/assets/",
    "/assets/index-00000000.js",
    "/steward.yaml",
  ]) {
    const answer = await ask("GET", path);
    expect(answer.status, path).toBe(404);
    expect(answer.text, path).not.toContain("secret\n");
  }
  expect(await ask("POST", "/")).toMatchObject({ status: 405, headers: { allow: "GET, HEAD" } });
  expect(await ask("GET", `/${"a".repeat(20_000)}`)).toMatchObject({ status: 431 });
});

test("an installation without the page says so, and shows the page once it is built", async () => {
  const { ask, folder } = await pageRoom();
  await rename(folder, `${folder}.away`);
  const without = await ask("GET", "/");
  expect(without.status).toBe(503);
  expect(without.text).toContain("npm run build");
  await rm(folder, { recursive: true, force: true });
  await rename(`${folder}.away`, folder);
  expect((await ask("GET", "/")).status).toBe(200);
});
