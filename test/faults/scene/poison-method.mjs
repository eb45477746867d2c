/** A method that may be run again, and that one kind of data crashes each time. */
export const method = {
  name: "digest",
  summary: "fails on poison",
  command: {
    check() {
      // All of it looks good; that is what makes it poison.
    },
    idempotent: true,
    async run({ data }) {
      if (data === "poison") throw new Error("it cannot stomach this");
      return { state: "succeeded" };
    },
  },
};
