import { useEffect, useRef, useState } from "preact/hooks";
import { theStore } from "../store/store.ts";
import { meaningOf } from "../text/glossary.ts";

/** A text that somebody types: it is his until it is applied, by a pause, by Enter, or when he leaves the field. */
export function useTyped(
  value: string,
  onChange: (text: string) => void,
  pause: number,
): { readonly text: string; type(text: string): void; apply(): void } {
  const [text, setText] = useState(value);
  const told = useRef(value);
  const typed = useRef(value);
  const change = useRef(onChange);
  change.current = onChange;
  useEffect(() => {
    // The page may have cut blanks off what it was told: the text of the field stays as it was typed.
    if (value === told.current || value === told.current.trim()) return;
    told.current = value;
    type(value);
  }, [value]);
  const type = (next: string): void => {
    typed.current = next;
    setText(next);
  };
  const apply = (): void => {
    if (typed.current === told.current) return;
    told.current = typed.current;
    change.current(typed.current);
  };
  useEffect(() => theStore().time.after(pause, apply), [text]);
  return { text, type, apply };
}

/** A field of which the page applies the text, and which keeps what is typed while the page goes on. */
export function TypedField({
  label,
  kind = "text",
  value,
  onApply,
  placeholder,
  list,
}: {
  label: string;
  kind?: "text" | "datetime-local";
  value: string;
  onApply: (text: string) => void;
  placeholder?: string;
  /** The id of a list of words to choose from. */
  list?: string;
}) {
  const { text, type, apply } = useTyped(value, onApply, 700);
  return (
    <label title={meaningOf(label)}>
      {label}{" "}
      <input
        type={kind}
        class={kind === "text" ? "short" : undefined}
        value={text}
        placeholder={placeholder}
        list={list}
        spellcheck={false}
        onInput={(event) => type(event.currentTarget.value)}
        onBlur={apply}
        onKeyDown={(event) => {
          if (event.key === "Enter") apply();
        }}
      />
    </label>
  );
}
