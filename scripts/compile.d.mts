export function compile(sources: string, entry: string, out: string): Promise<string>;
