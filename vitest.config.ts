import { defineConfig, type TestUserConfig } from "vitest/config";

/** How every test runs. */
export const COMMON: TestUserConfig = {
  globalSetup: ["test/harness/built.ts"],
  setupFiles: ["test/harness/seed.ts"],
  pool: "forks",
  maxWorkers: 2,
  testTimeout: 30_000,
  hookTimeout: 60_000,
  reporters: ["default"],
};

/** Whole fleets under faults, real and simulated, damaged input by the thousand, and the longest scenes: `npm run test:long`. */
export const LONG = [
  "test/attack/{going-over,hostile-broker,local-user,operators,secrets,signed-requests,stolen-node,mutations/found}.test.ts",
  "test/browser/*.test.ts",
  "test/cli/demo/demo.test.ts",
  "test/errands/destinations.test.ts",
  "test/faults/**/*.test.ts",
  "test/fuzz/*.test.ts",
  "test/contract/spawner.test.ts",
  "test/journal/exchange.test.ts",
  "test/journal/rot/{core,daemon}.test.ts",
  "test/journal/store/{read-log,store}.test.ts",
  "test/methods/syslog/write/sink.test.ts",
  "test/simulation/**/*.test.ts",
  "test/integration/{broker-link,cli-run,cli-run-words,daemon-surroundings,entrances-bad-input,execute-crashes}.test.ts",
  "test/integration/{intake,journal-damaged,methods-syslog,methods-weblogs,operate,operate-targets,runner-alone}.test.ts",
  "test/integration/documents/*.test.ts",
  "test/integration/security/{enrol,permission,running-commands}.test.ts",
  "test/runner/{bounds,spawner,succession}.test.ts",
  "test/runtime/daemon/lock.test.ts",
  "test/runtime/fleet/reconnect.test.ts",
  "test/runtime/jobs/{fleet,job-replies,real-fleet,times}.test.ts",
  "test/runtime/road/crash.test.ts",
  "test/runtime/schedules/schedules.test.ts",
];

export default defineConfig({
  test: {
    ...COMMON,
    include: ["test/**/*.test.ts"],
    // Making a release takes longer than any test may: `npm run test:release`.
    exclude: [...LONG, "test/release/**"],
  },
});
