export const ROOT: string;
export const STEPS: readonly string[];
export class SetupError extends Error {}
export function setup(options?: {
  root?: string;
  steps?: readonly string[];
  say?: (line: string) => void;
}): Promise<void>;
export function dependenciesNeeded(root?: string): boolean;
export function buildNeeded(root?: string): boolean;
export function setupOrExit(steps?: readonly string[]): Promise<void>;
