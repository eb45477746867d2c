import { styleText } from "node:util";
import type { Sink } from "../io.ts";

/** Colour, or none. A symbol and a word stand beside every colour, so that none of them tells anything alone. */
export type Colour = "green" | "red" | "yellow" | "cyan" | "dim" | "bold";
export type Paint = (colour: Colour, text: string) => string;

const plain: Paint = (_colour, text) => text;

const coloured: Paint = (colour, text) => (text === "" ? text : styleText(colour, text, { validateStream: false }));

/** NO_COLOR and --no-color win; then FORCE_COLOR; else colour is for terminals. */
export function paintFor(sink: Sink, env: Readonly<Record<string, string | undefined>>, wanted: boolean): Paint {
  if (!wanted || (env.NO_COLOR ?? "") !== "") return plain;
  const forced = env.FORCE_COLOR;
  if (forced !== undefined && forced !== "") return forced === "0" || forced === "false" ? plain : coloured;
  return sink.isTTY === true && env.TERM !== "dumb" ? coloured : plain;
}
