import fc from "fast-check";
import { describe, it } from "vitest";
import { Exchange, type Name, type Step } from "../contract/exchange.ts";
import { storeHosts } from "../contract/store.ts";

const peer = fc.constantFrom<Name>("a", "b");
const lane = fc.nat({ max: 2 });
const pick = fc.nat({ max: 30 });
const count = fc.integer({ min: 1, max: 4 });
const often = fc.boolean();
const rarely = fc.integer({ min: 0, max: 11 }).map((n) => n === 11);
const op = <K extends Step["op"]>(name: K): fc.Arbitrary<K> => fc.constant(name);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ op: op("submit"), peer, lane, count, keep: often, refuse: rarely, cut: rarely }),
  },
  { weight: 9, arbitrary: fc.record({ op: op("send"), peer, lane, count, again: rarely, cut: rarely }) },
  { weight: 14, arbitrary: fc.record({ op: op("deliver"), pick, twice: rarely, start: often, cut: rarely }) },
  { weight: 1, arbitrary: fc.record({ op: op("lose"), pick }) },
  { weight: 1, arbitrary: fc.record({ op: op("unheard"), pick, cut: rarely }) },
  { weight: 6, arbitrary: fc.record({ op: fc.constantFrom("begin" as const, "end" as const), peer, cut: rarely }) },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constantFrom("withdraw" as const, "cancel" as const), peer, pick, cut: rarely }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constantFrom("crash" as const, "restart" as const, "sweep" as const, "pass" as const),
      peer,
    }),
  },
);

describe.each(storeHosts)(
  "two journals $name, over a wire that loses, doubles and reorders, with power cuts",
  ({ name, make }) => {
    it("hand over every accepted message exactly once and in order, start no command twice, and end each in one state", async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 120, size: "max" }), async (steps) => {
          const exchange = await Exchange.open({ a: make(), b: make() });
          try {
            for (const each of steps) await exchange.step(each);
            await exchange.heal();
            exchange.checkEnd();
          } finally {
            await exchange.close();
          }
        }),
        { numRuns: name.includes("LMDB") ? 12 : 100 },
      );
    }, 120_000);
  },
);
