import { z } from "zod";

/** What is known of a setting beside its type: the faults, the documentation and the reload are made of it. */

export interface Kind {
  /** Completes "expected …". */
  readonly expects: string;
  /** Completes "expected …, got …: …". */
  readonly why?: (value: unknown) => string | undefined;
  /** The value is, or may hold, a secret: it is never shown. */
  readonly hides?: (value: unknown) => boolean;
}

/** What is known of a kind of value. */
export const kinds = z.registry<Kind>();

/** Whether a change is applied by a reload, or waits for a restart of the daemon. */
export type Applies = "live" | "restart";

export interface About {
  readonly description: string;
  /** Shown in the reference file where there is no default that could be written down. */
  readonly example?: unknown;
  /** The default in words, where it depends on other settings. */
  readonly fallback?: string;
  /** Absent: as the section around it. */
  readonly applies?: Applies;
  /** The reference file has it in effect, with the example, although it is optional. */
  readonly shown?: boolean;
}

/** What is known of a setting at its place. */
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
