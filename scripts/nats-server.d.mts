export interface Found {
  readonly path: string;
  readonly version: string;
}

export function cachedNatsServer(root: string): string;
export function findNatsServer(
  root: string,
  env?: Readonly<Record<string, string | undefined>>,
): Promise<Found | undefined>;
export function fetchNatsServer(root: string, say: (line: string) => void): Promise<Found | { readonly fault: string }>;
