import type { AlertView } from "../message/alert.ts";
import type { Draft } from "../message/draft.ts";
import type { Happening } from "../message/happening.ts";
import type { ProcessVerb } from "../message/process-verb.ts";
import type {
  Accepted,
  CancelAnswer,
  DeadLetter,
  Health,
  LogLine,
  LogQuery,
  MessageDetail,
  MessageFilter,
  MessageView,
  NodeDetail,
  NodeView,
  ProcessList,
  ProcessView,
  ReloadAnswer,
} from "../runtime/operate/operations.ts";

/** The running daemon as the commands ask it; over its socket. Failures are StewardErrors, `no-daemon` among them. */
export interface Daemon {
  submit(drafts: readonly Draft[]): Promise<Accepted[]>;
  cancel(id: string): Promise<CancelAnswer>;
  messages(filter: MessageFilter): Promise<MessageView[]>;
  message(id: string): Promise<MessageDetail>;
  nodes(): Promise<NodeView[]>;
  node(name: string): Promise<NodeDetail>;
  processes(node?: string): Promise<ProcessList>;
  control(verb: ProcessVerb, node: string, subject: string): Promise<ProcessView>;
  dead(): Promise<DeadLetter[]>;
  retryDead(id: string): Promise<void>;
  dropDead(id: string): Promise<void>;
  alerts(): Promise<AlertView[]>;
  clearAlert(no: number): Promise<void>;
  health(): Promise<Health>;
  reload(): Promise<ReloadAnswer>;
  logs(query: LogQuery): Promise<LogLine[]>;
  /**
   * Hands over all that happens from the call of `opened` on, until `signal` fires (then it resolves) or the stream
   * breaks (then it rejects). `gap` is called where happenings were left out because this end was too slow.
   */
  events(
    signal: AbortSignal,
    opened: () => void,
    listener: (happening: Happening) => void,
    options?: { readonly gap?: (missed: number | null) => void },
  ): Promise<void>;
}
