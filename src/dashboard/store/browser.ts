/** The browser's time, the one place where it is read; everything else takes a `Time`. */
export interface Time {
  /** Milliseconds since 1970, by the clock of this browser. */
  now(): number;
  /** Calls once after so many ms; the returned function withdraws it. */
  after(ms: number, call: () => void): () => void;
}

export const browserTime: Time = {
  now: () => Date.now(),
  after: (ms, call) => {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
};
