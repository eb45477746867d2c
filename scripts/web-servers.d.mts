export interface WebServerProgram {
  readonly path: string;
  readonly version: string;
  /** With it the program finds its libraries. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface WebServers {
  readonly nginx: WebServerProgram;
  readonly apache2: WebServerProgram & { readonly modules: string };
}

export function findWebServers(
  root?: string,
  env?: Readonly<Record<string, string | undefined>>,
): Promise<WebServers | undefined>;
export function provideWebServers(
  root?: string,
  say?: (line: string) => void,
): Promise<{ readonly servers: WebServers; readonly fault?: undefined } | { readonly fault: string }>;
