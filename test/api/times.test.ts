import { expect, test } from "vitest";
import { z } from "zod";
import { isTimeKey, withTimes } from "../../src/message/text/time-words.ts";
import { TABLE } from "../../src/runtime/operate/table.ts";

type Schema = { readonly properties?: Readonly<Record<string, Schema>>; readonly format?: string };

/** Every property of an answer, however deep, with the thing that it is of. */
function* propertiesOf(schema: unknown): Generator<{ key: string; property: Schema; beside: readonly string[] }> {
  if (typeof schema !== "object" || schema === null) return;
  const { properties = {} } = schema as Schema;
  for (const [key, property] of Object.entries(properties)) yield { key, property, beside: Object.keys(properties) };
  for (const inner of Object.values(schema)) yield* propertiesOf(inner);
}

/** Whether a value is a time itself, `null` or not; not a thing that has some. */
function isTime({ format, ...rest }: Schema): boolean {
  const either = (rest as { readonly anyOf?: readonly Schema[] }).anyOf ?? [];
  return format === "unix-ms" || either.some(isTime);
}

test.each(Object.entries(TABLE))(
  "what %s answers has its times under names that say so, and each as text beside it",
  (_, entry) => {
    const schema = z.toJSONSchema(entry.answer.shape, { unrepresentable: "any" });
    for (const { key, property, beside } of propertiesOf(schema)) {
      expect({ key, isTime: isTime(property) }).toEqual({ key, isTime: isTimeKey(key) });
      if (isTimeKey(key)) expect(beside).toContain(`${key}Time`);
      if (key === "subject") expect(beside).toEqual(expect.arrayContaining(["node", "method", "domain"]));
    }
  },
);

test("the walk sees every time of the deepest answers", () => {
  const schema = z.toJSONSchema(TABLE.message.answer.shape, { unrepresentable: "any" });
  const times = new Set([...propertiesOf(schema)].filter(({ property }) => isTime(property)).map(({ key }) => key));
  expect([...times].sort()).toEqual(
    ["at", "cancelRequestedAt", "createdAt", "deliverBy", "heardAt", "since", "startedAt"].sort(),
  );
  expect(withTimes({ heardAt: 0 })).toEqual({ heardAt: 0, heardAtTime: "1970-01-01T00:00:00.000Z" });
});
