/** A method that does everything a method must not do, by name: for daemons that have to survive it. */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const deeds = {
  throws() {
    throw new Error("it threw");
  },
  rejects: () => Promise.reject(new Error("it rejected")),
  never: () => new Promise(() => undefined),
  async blocks() {
    const until = performance.now() + 2_000;
    while (performance.now() < until);
    return { state: "succeeded" };
  },
  async late({ output }) {
    await pause(2_500);
    output([{ stream: "stdout", offset: 0, text: "too late" }]);
    return { state: "succeeded" };
  },
  async nonsense() {
    return { state: "splendid", code: Number.NaN };
  },
};

export const method = {
  name: "hostile",
  summary: "misbehaves",
  command: {
    check(data) {
      if (!(data in deeds)) throw new Error(`there is no such deed as ${data}`);
    },
    run: (context) => deeds[context.data](context),
  },
};
