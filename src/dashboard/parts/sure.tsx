import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { theStore } from "../store/store.ts";

/** How long a first press is remembered, ms, and how long it is said that it no longer is. */
const ASKS_FOR = 8_000;
const SAYS_FOR = 4_000;

type Asking = "" | "asked" | "busy" | "over";

/** A button of which the first press asks and the second does; place, size and focus stay as they are all the while. */
export function Sure({
  children,
  sure,
  onSure,
  disabled = false,
}: {
  children: string;
  /** The consequences, as the note beside the button words them. */
  sure: string;
  onSure: () => Promise<unknown> | undefined;
  disabled?: boolean;
}) {
  const [asking, setAsking] = useState<Asking>("");
  const button = useRef<HTMLButtonElement>(null);
  const { time } = theStore();
  useEffect(() => {
    if (asking === "asked") return time.after(ASKS_FOR, () => setAsking("over"));
    if (asking === "over") return time.after(SAYS_FOR, () => setAsking(""));
    return undefined;
  }, [asking]);
  useFocusKept(button);
  const press = async (): Promise<void> => {
    if (asking === "busy" || disabled) return;
    if (asking !== "asked") {
      setAsking("asked");
      return;
    }
    setAsking("busy");
    await onSure();
    setAsking("");
  };
  return (
    <>
      <button
        type="button"
        ref={button}
        class={asking === "asked" ? "asked" : undefined}
        title={sure}
        aria-label={asking === "asked" ? `${children}: ${sure}: press again` : undefined}
        aria-busy={asking === "busy"}
        disabled={disabled}
        onClick={() => void press()}
        onKeyDown={(event) => {
          if (event.key === "Escape") setAsking("");
        }}
      >
        {children}
      </button>
      {(asking === "asked" || asking === "over") && (
        <span class="sure-note" role="status" style={placeBy(button.current)}>
          {asking === "asked" ? `${sure}. Press again to confirm.` : "Not pressed again in time: nothing was done."}
        </span>
      )}
    </>
  );
}

/** The place of the note: under the button or above it, on the side with more room; it moves nothing else. */
function placeBy(button: HTMLElement | null): Record<string, string> {
  if (button === null) return {};
  const { left, right, top, bottom } = button.getBoundingClientRect();
  return {
    ...(left > innerWidth / 2 ? { right: `${Math.max(8, innerWidth - right)}px` } : { left: `${Math.max(8, left)}px` }),
    ...(top > innerHeight * 0.75 ? { bottom: `${innerHeight - top + 4}px` } : { top: `${bottom + 4}px` }),
  };
}

/** A button that leaves the page while it has the focus, with the row that it acted on, gives it to the content. */
function useFocusKept(button: { readonly current: HTMLElement | null }): void {
  useLayoutEffect(
    () => () => {
      if (document.activeElement === button.current) document.getElementById("content")?.focus();
    },
    [],
  );
}
