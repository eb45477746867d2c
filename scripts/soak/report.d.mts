export interface SoakRow {
  readonly row: number;
  readonly fault: string;
  readonly struck: number;
  readonly commands: number;
  readonly ok: number;
  readonly lost: number;
  readonly doubled: number;
  readonly unknown: number;
  /** `null`: this machine could not show it. */
  readonly held: boolean | null;
  readonly note?: string;
  readonly skipped?: string;
  readonly failed?: string;
}
export interface Open {
  readonly failing: readonly string[];
  readonly todo: readonly string[];
}
export function added(lines: readonly object[]): SoakRow[];
export function table(results: readonly SoakRow[]): string;
export function open(root: string): Open;
export function markdown(
  results: readonly SoakRow[],
  made: { readonly command: string; readonly passes: number; readonly open: Open },
): string;
