import fc from "fast-check";

/**
 * JSON that is well formed and wrong: in a valid value some places get another type, a number that cannot be kept, a key
 * that means something to JavaScript, text that steers a terminal, nesting without end. As text, because half of it cannot
 * be written from a value.
 */
type Written =
  | string
  | { readonly list: readonly Written[] }
  | { readonly map: readonly (readonly [string, Written])[] };

/** In place of a value; JSON text each. */
const HOSTILE: readonly string[] = [
  ...["null", "true", "false", "0", "-1", "1.5", "-0", "1e999", "-1e999", "9007199254740993", "1e308", "8.64e15"],
  ...['""', '"x"', '"\\u0000"', '"\\u001b[2J"', '"a\\nb\\r\\nc"', '"\\ud800"', '"../../etc/passwd"', '"/"', '"a.b"'],
  ...['"__proto__"', '"constructor"', '"toString"', '"succeeded"', '"running"', '"1"', '"*"', '"\\u2028\\u202e"'],
  ...[
    "[]",
    "{}",
    "[null]",
    '{"__proto__":{"x":1}}',
    '{"constructor":{"prototype":{"x":1}}}',
    '{"length":1}',
    "[[[[]]]]",
  ],
  ...[`"${"x".repeat(5000)}"`, `${"[".repeat(80)}${"]".repeat(80)}`, `${"[".repeat(20_000)}${"]".repeat(20_000)}`],
  ...[`${'{"a":'.repeat(70)}1${"}".repeat(70)}`, `[${"0,".repeat(5000)}0]`, `"${"\\u0007".repeat(300)}"`],
];
const KEYS = ["__proto__", "constructor", "prototype", "toString", "", "\u0000", "a".repeat(300), "\u001b[1m"];

interface Twist {
  readonly at: number;
  readonly how: "replace" | "add" | "double" | "remove" | "rename";
  readonly what: string;
  readonly key: string;
}

const twist: fc.Arbitrary<Twist> = fc.record({
  at: fc.nat(),
  how: fc.constantFrom("replace", "replace", "replace", "add", "double", "remove", "rename"),
  what: fc.oneof(
    fc.constantFrom(...HOSTILE),
    fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.stringify(value)),
  ),
  key: fc.oneof(fc.constantFrom(...KEYS), fc.string({ maxLength: 6 })),
});

/** JSON text of the value with up to four places twisted; sometimes with none. */
export function twisted(valid: fc.Arbitrary<unknown>): fc.Arbitrary<string> {
  return fc
    .tuple(valid, fc.array(twist, { maxLength: 4 }))
    .map(([value, twists]) => print(twists.reduce(apply, written(value))));
}

function written(value: unknown): Written {
  if (Array.isArray(value)) return { list: value.map(written) };
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  return { map: Object.entries(value).map(([key, inner]) => [key, written(inner)] as const) };
}

function print(node: Written): string {
  if (typeof node === "string") return node;
  if ("list" in node) return `[${node.list.map(print).join(",")}]`;
  return `{${node.map.map(([key, value]) => `${JSON.stringify(key)}:${print(value)}`).join(",")}}`;
}

function sizeOf(node: Written): number {
  if (typeof node === "string") return 1;
  const inner = "list" in node ? node.list : node.map.map(([, value]) => value);
  return inner.reduce((sum: number, each) => sum + sizeOf(each), 1);
}

function apply(root: Written, twist: Twist): Written {
  let left = twist.at % sizeOf(root);
  const visit = (node: Written): Written => {
    if (left-- === 0) return change(node, twist);
    if (typeof node === "string") return node;
    if ("list" in node) return { list: node.list.map(visit) };
    return { map: node.map.map(([key, value]) => [key, visit(value)] as const) };
  };
  return visit(root);
}

function change(node: Written, { how, what, key, at }: Twist): Written {
  if (how === "replace" || typeof node === "string") return what;
  if ("list" in node) {
    if (how === "add") return { list: [...node.list, what] };
    if (how === "double") return { list: [...node.list, ...node.list] };
    return { list: node.list.slice(1) };
  }
  if (how === "add") return { map: [...node.map, [key, what]] };
  if (how === "double") return { map: [...node.map, ...node.map] };
  const chosen = node.map[at % Math.max(1, node.map.length)];
  if (how === "remove") return { map: node.map.filter((entry) => entry !== chosen) };
  return { map: node.map.map((entry) => (entry === chosen ? ([key, entry[1]] as const) : entry)) };
}
