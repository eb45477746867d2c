import type { ComponentChildren } from "preact";
import { useTyped } from "./typed.tsx";

/** A line to filter by; it is told once the reader pauses, or at once by Enter. */
export function FilterLine({
  label,
  placeholder,
  value,
  onChange,
  fault,
  children,
}: {
  label: string;
  placeholder: string;
  value: string;
  onChange: (text: string) => void;
  /** The refusal, with the place in the text that it speaks of. */
  fault?: { readonly text: string; readonly at?: number } | undefined;
  children?: ComponentChildren;
}) {
  const { text, type, apply } = useTyped(value, onChange, 350);
  return (
    <div class="filter-line">
      <label>
        <span class="hidden">{label}</span>
        <input
          type="search"
          data-filter
          aria-label={label}
          aria-invalid={fault === undefined ? undefined : true}
          aria-describedby={fault === undefined ? undefined : "filter-fault"}
          placeholder={placeholder}
          value={text}
          spellcheck={false}
          autocomplete="off"
          onInput={(event) => type(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter") apply();
          }}
        />
      </label>
      {children}
      {fault !== undefined && (
        <p id="filter-fault" class="fault" role="alert">
          {fault.at !== undefined && <FaultPlace text={text} at={fault.at} />}
          <span aria-hidden="true">✗ </span>
          {fault.text}
        </p>
      )}
    </div>
  );
}

/** The text with the place of the fault marked. `at` counts from 1. */
function FaultPlace({ text, at }: { text: string; at: number }) {
  const place = Math.max(0, at - 1);
  return (
    <code class="fault-place">
      {text.slice(0, place)}
      <mark>{text.slice(place, place + 1) || "␣"}</mark>
      {text.slice(place + 1)}
    </code>
  );
}
