import { expect, it } from "vitest";
import { faultText } from "../../../src/message/errors.ts";
import { tokenFault } from "../../../src/message/subject.ts";
import { readJson } from "../../../src/message/text/json-reader.ts";
import { describe as named } from "../../../src/message/text/located.ts";
import { parseCommand } from "../../../src/methods/shellcommand-data.ts";

/** JSON writes the first two as they are. */
const STEERING = ["\u007f", "\u009b", "\u001b"];

it.each(STEERING)("a fault shows a control character as its number: %j", (character) => {
  const shown = `"\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}"`;
  expect(readJson(character).faults).toEqual([{ at: 0, text: `a value is expected, not ${shown}` }]);
  expect(named({ kind: "scalar", at: 0, value: character })).toBe(shown);
  expect(tokenFault(character)).toContain(`${shown} is not allowed`);
  expect(() => parseCommand({ [character]: 1 })).toThrow(`${shown} is not known`);
  expect(faultText(new Error(`"${character}" is no answer`))).toBe(`${shown} is no answer`);
});
