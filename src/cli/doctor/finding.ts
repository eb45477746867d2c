/** The result of one check of `steward doctor`. */
export interface Finding {
  readonly check: string;
  readonly verdict: "ok" | "warn" | "fail";
  readonly text: string;
  readonly remedy?: string;
  /** Details for programs. */
  readonly details?: object;
  /** Exit code when this check is the first to fail. */
  readonly exit?: number;
}
