import type { Target } from "./target.ts";
import { acks, frames, subjects, units } from "./targets/wire.ts";

/** Every decoder and intake under attack: in the suite by the thousand, by `npm run fuzz` by the million. */
export const TARGETS: readonly Target[] = [subjects, frames, acks, units];
