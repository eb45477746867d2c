import { defineConfig } from "vitest/config";

/** What `npm run release` makes, tried out. A part of `.ci/run`. */
export default defineConfig({
  test: {
    include: ["test/release/*.test.ts"],
    pool: "forks",
    testTimeout: 60_000,
    hookTimeout: 300_000,
    reporters: ["default"],
  },
});
