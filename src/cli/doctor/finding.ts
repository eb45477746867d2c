/** What one check of `steward doctor` found, and what to do about it. */
export interface Finding {
  readonly check: string;
  readonly verdict: "ok" | "warn" | "fail";
  readonly text: string;
  readonly remedy?: string;
  /** More of it, for programs. */
  readonly details?: object;
  /** Exit code when this check is the first to fail. */
  readonly exit?: number;
}
