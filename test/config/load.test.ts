import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadConfig } from "../../src/config/load.ts";
import { minimal } from "./samples.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "steward-config-"));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

const write = (content: string | Uint8Array): string => {
  const file = join(directory, "steward.yaml");
  writeFileSync(file, content);
  return file;
};

const unreadable = (fault: string) =>
  expect.objectContaining({ code: "config-unreadable", details: expect.objectContaining({ fault }) });

describe("loadConfig", () => {
  it("reads a file, with paths beside it and secrets from the environment it is given", () => {
    const file = write(minimal("", `{servers: [h], token: '\${TOKEN}'}`));
    const config = loadConfig(file, { env: { TOKEN: "t" } });
    expect(config).toMatchObject({
      file,
      data: join(directory, "var/ship1"),
      broker: { auth: { kind: "token", token: "t" } },
    });
  });

  it("takes a byte order mark and the line ends of Windows", () => {
    expect(loadConfig(write(`\uFEFF${minimal().replaceAll("\n", "\r\n")}`)).node).toBe("ship1");
  });

  it("throws all faults in one error, one a line", () => {
    const file = write(minimal("subscribe:\n- {subject: command.a.b, concurrency: many}\nfoo: 1\n"));
    const faults = `${file}:5:39 subscribe[0].concurrency: expected a whole number from 1 to 1024, got "many"\n${file}:6:1 foo: unknown key`;
    expect(() => loadConfig(file)).toThrowError(
      expect.objectContaining({
        code: "config-invalid",
        details: { file, count: 2, faults: expect.stringContaining(faults) },
      }),
    );
  });

  it("says why a file cannot be read", () => {
    const folder = join(directory, "folder");
    mkdirSync(folder);
    expect(() => loadConfig(join(directory, "none.yaml"))).toThrowError(unreadable("there is no such file"));
    expect(() => loadConfig(folder)).toThrowError(unreadable("it is a directory"));
    expect(() => loadConfig("/dev/null")).toThrowError(unreadable("it is not a regular file"));
    expect(() => loadConfig(write(new Uint8Array([0xff, 0xfe, 0x6e, 0x00])))).toThrowError(
      unreadable("it is not UTF-8 text: the byte 0xff in line 1, column 1 begins no character"),
    );
    expect(() => loadConfig(write(" ".repeat(1024 * 1024 + 1)))).toThrowError(unreadable("it is larger than 1MB"));
  });
});
