/** One thing that went wrong, for as long as nobody has cleared it. Times are ms since 1970. */
export interface AlertView {
  readonly no: number;
  readonly node: string;
  readonly code: string;
  readonly text: string;
  readonly firstAt: number;
  readonly lastAt: number;
  /** How often it was raised. */
  readonly count: number;
  /** `over`: its cause is gone. */
  readonly state: "raised" | "over";
  readonly overAt?: number;
}
