import { useState } from "preact/hooks";
import { span } from "../../message/text/figures.ts";
import { clockText, dayText } from "../store/clock-choice.ts";
import { theStore } from "../store/store.ts";
import { meaningOf } from "../text/glossary.ts";
import type { Look } from "../text/looks.ts";
import { ago, bothTimes } from "../text/times.ts";

/** Small pieces of text that every page uses. */

/** A state: its symbol, its word, its colour. `was`: the state as it last was known, said so when the page is not fresh. */
export function StateWord({ look, title, live = true }: { look: Look; title?: string | undefined; live?: boolean }) {
  const was = live && !theStore().fresh.value;
  return (
    <span class={`state tone-${look.tone}`} title={title ?? meaningOf(look.word)}>
      <span class="glyph" aria-hidden="true">
        {look.symbol}
      </span>
      {was ? `was ${look.word}` : look.word}
    </span>
  );
}

/** A time as `3 min ago`, which ticks; both clocks in its title. */
export function Ago({ at, never = "never" }: { at: number | null | undefined; never?: string }) {
  const now = theStore().now.value;
  if (at === null || at === undefined) return <span class="quiet">{never}</span>;
  return (
    <time dateTime={isoOf(at)} title={bothTimes(at)}>
      {ago(at, now)}
    </time>
  );
}

/** How long something has held: `3 min`, which ticks. */
export function For({ since }: { since: number | null | undefined }) {
  const now = theStore().now.value;
  if (since === null || since === undefined) return <span class="quiet">–</span>;
  return (
    <time dateTime={isoOf(since)} title={`since ${bothTimes(since)}`}>
      {span(Math.max(0, now - since))}
    </time>
  );
}

/** A point in time on a clock: where the reader is, or UTC where that was chosen. */
export function At({ time, day = false }: { time: number; day?: boolean }) {
  return (
    <time dateTime={isoOf(time)} title={bothTimes(time)}>
      {day ? dayText(time) : clockText(time)}
    </time>
  );
}

function isoOf(at: number): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? "" : date.toISOString();
}

/** Copies a text, and says so. */
export function Copy({ text, children = "copy" }: { text: string; children?: string }) {
  const [said, say] = useState("");
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      say("copied");
    } catch {
      say("the browser did not let it");
    }
    theStore().time.after(2_000, () => say(""));
  };
  return (
    <button type="button" class="plain" title={text.slice(0, 1_000)} onClick={() => void copy()}>
      {children}
      <span class="said" role="status">
        {said}
      </span>
    </button>
  );
}

/** The command line that does the same. */
export function CopyCommand({ line }: { line: string }) {
  return (
    <span class="command-copy">
      <code>{line}</code>
      <Copy text={line}>copy as command</Copy>
    </span>
  );
}
