import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openPageListener } from "../../../src/api/page/page-listener.ts";
import { authority } from "../../harness/certificates.ts";
import { tempDir } from "../../harness/temp.ts";
import { ANN, askSecurely, pageRoom } from "./page-room.ts";

test("with a certificate HTTPS is spoken, a renewed one is taken without a restart, and a bad one is not", async () => {
  const directory = await tempDir();
  const { ca, issue } = await authority();
  const tls = { certificate: join(directory, "page.pem"), key: join(directory, "page.key") };
  const install = async ({ cert, key }: { cert: string; key: string }): Promise<void> => {
    await copyFile(cert, tls.certificate);
    await copyFile(key, tls.key);
  };
  await install(issue("first"));
  const { port, clock, log, origin, sessions } = await pageRoom({ tls, listen: { host: "0.0.0.0", port: 0 } });
  expect(origin).toBe(`https://127.0.0.1:${port}`);
  const authorities = await readFile(ca);
  const ask = (path: string, headers = {}) => askSecurely({ host: "127.0.0.1", port, path, ca: authorities, headers });
  const first = await ask(`/login/${sessions.link(ANN).secret}`);
  expect(first.status).toBe(303);
  expect(first.headers["set-cookie"]?.[0]).toMatch(/^__Host-steward-\d+=.*; Secure$/);
  expect(first.headers["strict-transport-security"]).toBe("max-age=31536000");
  expect((await ask("/", { host: `evil.example:${port}` })).status).toBe(421);

  await install(issue("second"));
  await clock.advance(10_000);
  const second = await ask("/");
  expect(second.serial).not.toBe(first.serial);
  await writeFile(tls.certificate, "no certificate");
  await clock.advance(10_000);
  expect((await ask("/")).serial).toBe(second.serial);
  expect(log.lines.filter(({ level }) => level === "error").map(({ text }) => text)).toEqual([
    "the page keeps the certificate that it has",
  ]);
});

test("without a certificate only this machine is listened to", async () => {
  const { operations, sessions, folder, log, clock } = await pageRoom();
  const options = {
    life: "life",
    operations,
    folder,
    log,
    clock,
    address: undefined,
    visitors: sessions,
    loggedIn: () => undefined,
    speakerOf: () => ANN,
    operationsFor: () => operations,
  };
  const failures = { waitOf: () => 0, failed: () => 0 };
  for (const host of ["0.0.0.0", "::", "192.0.2.1"])
    await expect(
      openPageListener({ ...options, failures, listen: { host, port: 0 }, tls: undefined }),
    ).rejects.toMatchObject({ code: "certificate-unusable" });
});
