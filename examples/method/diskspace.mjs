/**
 * A method of one's own: how much room is on the filesystem of a path. A module that is named under `methods:` exports
 * `method`; its shape is `Method` in src/methods/define.ts.
 */
import { statfs } from "node:fs/promises";

export const method = {
  name: "diskspace",
  summary: "says how much room there is on the filesystem of a path",
  command: {
    /** Refuses bad data before the command is accepted. */
    check(data) {
      if (typeof data?.path !== "string") throw new Error('expected {"path": "/some/directory"}');
    },

    /** An expected failure is an outcome, not an exception: an exception is a defect, and restarts the process. */
    async run({ data }) {
      try {
        const { bsize, blocks, bavail } = await statfs(data.path);
        return { state: "succeeded", result: { bytes: blocks * bsize, free: bavail * bsize } };
      } catch (error) {
        return { state: "failed", reason: `${data.path}: ${error.code}` };
      }
    },

    /** To look again does no harm: after a crash it is simply run again. */
    idempotent: true,

    /** The arguments that the patterns of `allow:` are compared with. */
    vector: (data) => [data.path],
  },
};
