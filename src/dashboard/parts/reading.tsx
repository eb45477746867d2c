import type { ComponentChildren } from "preact";
import type { Reading } from "../store/resource.ts";
import { Ago } from "./words.tsx";

/** An answer, and honestly whether it could be read: a list that could not be read never looks empty. */
export function Shown<T>({
  of: reading,
  children,
  what,
  isEmpty,
  empty,
}: {
  of: Reading<T>;
  /** The thing that is read, as in: … could not be read. */
  what: string;
  children: (value: T) => ComponentChildren;
  isEmpty?: (value: T) => boolean;
  empty?: ComponentChildren;
}) {
  const { value, fault, readAt } = reading;
  return (
    <>
      {fault !== undefined && (
        <p class="fault" role="alert">
          <span aria-hidden="true">✗ </span>
          {what} could not be read: {fault}
          {value !== undefined && (
            <>
              {/[.!?]$/.test(fault) ? " " : ". "}
              Shown is what was read <Ago at={readAt} />.
            </>
          )}
        </p>
      )}
      {value === undefined && fault === undefined && <p class="quiet loading">reading {what} …</p>}
      {value !== undefined && isEmpty?.(value) === true && fault === undefined && <p class="empty">{empty}</p>}
      {value !== undefined && isEmpty?.(value) !== true && children(value)}
    </>
  );
}
