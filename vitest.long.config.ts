import { defineConfig } from "vitest/config";
import { COMMON, LONG } from "./vitest.config.ts";

/** Tests that a contributor need not wait for. A part of `.ci/run`. */
export default defineConfig({ test: { ...COMMON, include: LONG } });
