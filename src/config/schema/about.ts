import { z } from "zod";

/** The facts about a setting beside its type; faults, documentation and reload are made of them. */

export interface Kind {
  /** Completes "expected …". */
  readonly expects: string;
  /** Completes "expected …, got …: …". */
  readonly why?: (value: unknown) => string | undefined;
  /** The value is, or may hold, a secret: it is never shown. */
  readonly hides?: (value: unknown) => boolean;
  /** Spaces belong to it, so that a list of them is shown with quotes. */
  readonly quoted?: boolean;
  /** A compiled element of a list as it would be written. */
  readonly text?: (value: unknown) => string;
  /** The compiled value as it would be written in the file. */
  readonly format?: (value: unknown) => string;
}

/** Facts about a kind of value. */
export const kinds = z.registry<Kind>();

/**
 * How a change is applied: `live`, it is read anew wherever it is used; `process`, a reload restarts the processes that it
 * touches; `restart`, it waits for a restart of the daemon.
 */
export type Applies = "live" | "process" | "restart";

/** The parts of the compiled configuration that are written otherwise in the file. */
export interface WrittenOtherwise {
  readonly broker: {
    readonly embedded: {
      readonly host: string;
      readonly port: number;
      readonly tls: object | null;
      readonly newcomers: boolean;
    } | null;
    readonly auth: { readonly kind: string };
    readonly tls: object | null;
    readonly publishers: readonly object[];
  };
  readonly link: { readonly name: string };
  readonly metrics: { readonly host: string; readonly port: number } | null;
  readonly page: {
    readonly listen: { readonly host: string; readonly port: number } | null;
    readonly tls: object | null;
  };
}

export interface About {
  readonly description: string;
  /** Shown in the reference file where there is no default that could be written down. */
  readonly example?: unknown;
  /** The default in words, where it depends on other settings. */
  readonly fallback?: string;
  /** Absent: as the section around it. */
  readonly applies?: Applies;
  /** The compiled value as text, where it does not stand at the setting's own path in the compiled configuration. */
  readonly read?: (config: WrittenOtherwise) => string;
  /** A change of it is told, its value never. */
  readonly secret?: boolean;
  /** The reference file has it in effect, with the example, although it is optional. */
  readonly shown?: boolean;
}

/** Facts about a setting at its place. */
export const settings = z.registry<About>();

export function setting<S extends z.ZodType>(schema: S, about: About): S {
  const described = schema.meta({
    description: about.description,
    ...(about.example === undefined ? {} : { examples: [about.example] }),
  });
  settings.add(described, about);
  return described;
}

export function kind<S extends z.ZodType>(schema: S, about: Kind): S {
  kinds.add(schema, about);
  return schema;
}

export function mapping<T extends z.core.$ZodLooseShape>(shape: T) {
  return kind(z.strictObject(shape), { expects: `a mapping with ${Object.keys(shape).join(", ")}` });
}
