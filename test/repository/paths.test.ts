import { describe, expect, it } from "vitest";
import { importsOf, sourcesBelow } from "./parts/sources.ts";

const sources = sourcesBelow("src");

/**
 * The files that build paths themselves, and from what. A file that is not here goes through `platform/names.ts`, the one
 * way from a name that came from elsewhere to a path.
 */
const FIXED = "names that stand in the source";
const OWN = "names that it has made or checked itself";
const WRITTEN = "paths that the user of this machine wrote";
const MAY_BUILD_PATHS: Readonly<Record<string, string>> = {
  "src/platform/names.ts": "the way itself",
  "src/platform/installation.ts": FIXED,
  "src/platform/command-groups.ts": FIXED,
  "src/config/file/paths.ts": WRITTEN,
  "src/cli/input/operator-key.ts": "the file of a key that the user names; a name is one token",
  "src/config/check.ts": WRITTEN,
  "src/config/compile.ts": WRITTEN,
  "src/cli/cli.ts": WRITTEN,
  "src/cli/commands/host/init.ts": WRITTEN,
  "src/cli/commands/trust/join.ts": FIXED,
  "src/platform/host/owner.ts": OWN,
  "src/cli/doctor/trust.ts": FIXED,
  "src/cli/doctor/access.ts": "names that a listing gave, to look at",
  "src/cli/doctor/examine.ts": "names that a listing gave, to look at",
  "src/cli/doctor/journal.ts": FIXED,
  "src/cli/demo/stage.ts": FIXED,
  "src/cli/demo/scene.ts": FIXED,
  "src/api/page/page-files.ts": "names that a listing gave: a request names one of its files",
  "src/api/silence.ts": FIXED,
  "src/broker/embedded.ts": FIXED,
  "src/broker/server-binary.ts": FIXED,
  "src/intake/inmsg-file.ts": WRITTEN,
  "src/journal/check/check-process.ts": FIXED,
  "src/journal/offline.ts": FIXED,
  "src/journal/store/closed-mark.ts": FIXED,
  "src/journal/store/lmdb-store.ts": FIXED,
  "src/journal/store/read-log.ts": OWN,
  "src/journal/store/rebuild.ts": OWN,
  "src/journal/store/reserve.ts": FIXED,
  "src/journal/store/write-ahead-log.ts": OWN,
  "src/runner/channel.ts": OWN,
  "src/runner/launch.ts": FIXED,
  "src/runner/process/pipes.ts": OWN,
  "src/runner/process/program-start.ts": "the search for a program, to tell why it does not start",
  "src/runner/process/service.ts": FIXED,
  "src/runner/run-records.ts": "fixed names in the folder of a run, whose id goes through names.ts",
  "src/runner/runners.ts": OWN,
  "src/runtime/daemon/daemon.ts": FIXED,
  "src/runtime/daemon/lock.ts": FIXED,
  "src/runtime/daemon/start-mark.ts": FIXED,
  "src/security/audit/files.ts": OWN,
  "src/security/keys/identity-files.ts": FIXED,
  "src/security/sessions/session-file.ts": FIXED,
  "src/security/trust/edge-trust.ts": FIXED,
  "src/security/trust/registry-file.ts": FIXED,
};
/** Files that make a text with a slash beside a value, and touch the file system: addresses, and paths of the kernel's own. */
const MAY_WRITE_SLASHES: readonly string[] = [
  "src/api/page/page-files.ts",
  "src/broker/embedded.ts",
  "src/broker/orphan.ts",
  "src/cli/demo/log-writers.ts",
  "src/security/system-users.ts",
  "src/platform/names.ts",
  "src/runner/channel.ts",
  "src/runner/process-group.ts",
  "src/runner/process/inherited-descriptors.ts",
  "src/runner/process/memory-shortage.ts",
];

const buildsPaths = (source: (typeof sources)[number]): boolean =>
  importsOf(source).some(
    ({ specifier, names }) =>
      /^(node:)?path(\/posix)?$/.test(specifier) && names.some((name) => ["join", "resolve", "*"].includes(name)),
  );
const touchesFiles = (source: (typeof sources)[number]): boolean =>
  importsOf(source).some(({ specifier, typeOnly }) => !typeOnly && /^(node:)?fs(\/promises)?$/.test(specifier));

describe("a path", () => {
  it("is built from a name in one place, and from fixed names in those that are listed", () => {
    expect(sources.filter(buildsPaths).map(({ path }) => path)).toEqual(Object.keys(MAY_BUILD_PATHS).sort());
  });

  it("is not put together as a text, where files are touched", () => {
    const slashes = sources.filter(
      (source) => touchesFiles(source) && /`[^`\n]*(?:\$\{[^}`]*\}\/|\/\$\{)[^`\n]*`/.test(source.text),
    );
    expect(slashes.map(({ path }) => path)).toEqual([...MAY_WRITE_SLASHES].sort());
  });
});
