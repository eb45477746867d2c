import { z } from "zod";
import { StewardError } from "../../../message/errors.ts";
import type { Role } from "../../../security/operators/speaker.ts";
import type { Name, ROUTES, Words } from "../routes.ts";
import type { Shown } from "./shape.ts";

/** An operation: who may ask for it, what it is asked, and what it answers. */
interface Entry<Path extends string> {
  readonly summary: string;
  /** The least role that may ask for it. */
  readonly needs: Role;
  /** A schema for each `{word}` of the path. */
  readonly params?: { readonly [Word in Words<Path>[number]]: z.ZodType };
  readonly query?: Path extends `GET ${string}` ? z.ZodObject : never;
  readonly body?: Path extends `POST ${string}` ? Body : never;
  readonly answer: Answer;
  /** Statuses of failures, beside 400, 401, 403 and 500. */
  readonly failures?: readonly number[];
}

interface Body {
  /** The schema of the document. */
  readonly shape: z.ZodType;
  /** Parses a body, with better error texts than the schema alone has. */
  readonly read: (body: unknown) => unknown;
}

export interface Answer {
  readonly kind: "json" | "none" | "text" | "stream";
  readonly description: string;
  readonly status: number;
  readonly type: string;
  readonly shape: z.ZodType;
  /** The daemon is not well: the answer has the same shape, under another status. */
  readonly ill?: { readonly status: number; readonly description: string; readonly is: (answer: never) => boolean };
  /** True for an answer that waits until the state that it shows is durable. */
  readonly durable: boolean;
}

/** The entries of a subject, each under the name that it has in `ROUTES`. */
export type Entries = { readonly [N in Name]?: Entry<(typeof ROUTES)[N]> };

/** An entry of any operation. */
export interface AnyEntry extends Omit<Entry<string>, "params" | "query" | "body"> {
  readonly params?: Readonly<Record<string, z.ZodType>>;
  readonly query?: z.ZodObject;
  readonly body?: Body;
}

export function json<S extends z.ZodType>(
  description: string,
  of: S,
  more: Partial<Pick<Answer, "status" | "ill" | "durable">> = {},
) {
  const type = "application/json";
  return { kind: "json", description, shape: of, status: 200, type, durable: false, ...more } as const;
}
export const none = (description: string) =>
  ({ kind: "none", description, shape: z.void(), status: 204, type: "", durable: false }) as const;

/** A body that is read by its schema; an error names the field of every fault, the first ten of them. */
export function bodyOf<S extends z.ZodType>(shape: S) {
  const read = (body: unknown): Shown<S> => {
    const parsed = shape.safeParse(body);
    if (parsed.success) return parsed.data as Shown<S>;
    throw new StewardError("request-invalid", { fault: faultsOf(parsed.error) });
  };
  return { shape, read } as const;
}

/** All faults in one line: `deliverBy: expected number; colour: …`. */
export function faultsOf(error: z.ZodError): string {
  const faults = error.issues.slice(0, 10).map((issue) => {
    const path = issue.path.join(".");
    const fault = issue.message.charAt(0).toLowerCase() + issue.message.slice(1);
    return path === "" ? fault : `${path}: ${fault}`;
  });
  const more = error.issues.length - faults.length;
  return more > 0 ? `${faults.join("; ")}; and ${more} more` : faults.join("; ");
}
