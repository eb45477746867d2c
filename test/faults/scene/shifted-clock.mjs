/**
 * Imported by a daemon before anything else (`NODE_OPTIONS=--import`): its wall clock is wrong by the milliseconds that
 * stand in the file STEWARD_TEST_CLOCK, also when that changes while it runs. The monotonic clock stays right, as it does
 * on a real machine.
 */
import { readFileSync } from "node:fs";

const file = process.env.STEWARD_TEST_CLOCK;
const now = Date.now.bind(Date);
let offset = 0;
const look = () => {
  try {
    offset = Number(readFileSync(file, "utf8"));
  } catch {
    // It is being written: the next look sees it.
  }
};

if (file !== undefined) {
  look();
  setInterval(look, 50).unref();
  const RealDate = Date;
  globalThis.Date = class extends RealDate {
    constructor(...args) {
      if (args.length === 0) super(now() + offset);
      else super(...args);
    }

    static now() {
      return now() + offset;
    }
  };
}
