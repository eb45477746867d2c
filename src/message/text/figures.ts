/** Spans, sizes and counts as people read them, in a terminal and in a browser alike. No clock is read here. */

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000],
] as const;

/** A span in one unit: `850 ms`, `12 s`, `3 min`, `2 h`, `7 d`; a unit begins a moment early, so that two hours less a second are `2 h`. */
export function span(ms: number): string {
  for (const [unit, size] of UNITS) if (ms >= size * 0.98) return `${Math.floor(ms / size + 0.02)} ${unit}`;
  return `${Math.max(0, Math.round(ms))} ms`;
}

/** How long something took: `0.42 s`, `12.3 s`, `3 min 5 s`. */
export function took(ms: number): string {
  if (ms < 10_000) return `${(Math.max(0, ms) / 1_000).toFixed(2)} s`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
}

/** `6 B`, `4.0 KB`, `1.2 MB`; 1 KB is 1024 B. */
export function bytes(count: number): string {
  if (count < 1_024) return `${count} B`;
  let value = count;
  let unit = "B";
  for (const next of ["KB", "MB", "GB", "TB"]) {
    if (value < 1_024) break;
    value /= 1_024;
    unit = next;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}
