import type { ROUTES } from "../../runtime/operate/routes.ts";
import type { failure } from "../../runtime/operate/table/daemon.ts";
import type { Shown } from "../../runtime/operate/table/shape.ts";
import type { Client as Operations } from "../../runtime/operate/table.ts";

/** The routes that the page asks for; the compiler refuses one that differs from the table of operations. */
const USED = {
  submit: "POST /v1/messages",
  messages: "GET /v1/messages",
  message: "GET /v1/messages/{id}",
  cancel: "POST /v1/messages/{id}/cancel",
  nodes: "GET /v1/nodes",
  node: "GET /v1/nodes/{name}",
  facts: "GET /v1/nodes/{name}/facts",
  labels: "GET /v1/nodes/{name}/labels",
  resolve: "POST /v1/targets",
  processes: "GET /v1/processes",
  control: "POST /v1/processes/{node}/{subject}/{verb}",
  dead: "GET /v1/dead",
  retryDead: "POST /v1/dead/{id}/retry",
  dropDead: "DELETE /v1/dead/{id}",
  alerts: "GET /v1/alerts",
  clearAlert: "DELETE /v1/alerts/{no}",
  searchLogs: "GET /v1/logs/search",
  health: "GET /healthz",
  history: "GET /v1/history",
  jobs: "GET /v1/jobs",
  createJob: "POST /v1/jobs",
  job: "GET /v1/jobs/{id}",
  jobNodes: "GET /v1/jobs/{id}/nodes",
  jobResults: "GET /v1/jobs/{id}/results",
  retryJob: "POST /v1/jobs/{id}/attempts",
  steerJob: "POST /v1/jobs/{id}/{verb}",
  machines: "GET /v1/machines",
  planJob: "POST /v1/jobs/plan",
  schedules: "GET /v1/schedules",
  supervision: "GET /v1/supervision",
  transitions: "GET /v1/transitions",
  queue: "GET /v1/nodes/{name}/queue",
  holds: "GET /v1/holds",
  hold: "POST /v1/holds",
  unhold: "POST /v1/holds/release",
  mutes: "GET /v1/mutes",
  mute: "POST /v1/mutes",
  unmute: "POST /v1/mutes/release",
  openAlerts: "GET /v1/alerts/open",
  errands: "GET /v1/errands",
  retryErrand: "POST /v1/errands/{id}/retry",
  dropErrand: "DELETE /v1/errands/{id}",
  approvals: "GET /v1/approvals",
  approve: "POST /v1/approvals/{id}",
  refuse: "DELETE /v1/approvals/{id}",
  operators: "GET /v1/operators",
  sessions: "GET /v1/sessions",
  endSession: "DELETE /v1/sessions/{id}",
  whoami: "GET /v1/whoami",
  audit: "GET /v1/audit",
} as const satisfies { readonly [N in keyof typeof ROUTES]?: (typeof ROUTES)[N] };

type Used = keyof typeof USED;
export type Client = Pick<Operations, Used>;

/** A request that failed, with the daemon's words, or with those of the page where no daemon answered. */
export class Refusal extends Error {
  readonly code: string;
  readonly remedy: string;
  readonly status: number;
  readonly details: Readonly<Record<string, string | number>>;

  constructor(
    code: string,
    message: string,
    more: { remedy?: string; status?: number; details?: Record<string, string | number> } = {},
  ) {
    super(message);
    this.code = code;
    this.remedy = more.remedy ?? "";
    this.status = more.status ?? 0;
    this.details = more.details ?? {};
  }
}

/** The one who is logged in, as the listener tells. */
export interface Session {
  readonly by: string;
  readonly role: string;
  readonly csrf: string;
  readonly node: string;
  readonly version: string;
}

export type Fetch = (url: string, init?: RequestInit) => Promise<Response>;

export interface ClientOptions {
  readonly fetch: Fetch;
  /** The word that proves a request to be of this page, once it is known. */
  readonly csrf: () => Promise<string>;
  /** An answer came, whatever it says. */
  readonly answered: () => void;
  /** The daemon does not know this browser. */
  readonly refused: () => void;
}

/** The operations as functions, over HTTP of the same origin. Failures are `Refusal`s. */
export function openClient(options: ClientOptions): Client {
  const asks = Object.entries(USED).map(([name, route]) => [name, (...asked: unknown[]) => ask(options, route, asked)]);
  return Object.fromEntries(asks) as Client;
}

async function ask(options: ClientOptions, route: string, asked: readonly unknown[]): Promise<unknown> {
  const [method = "GET", pattern = ""] = route.split(" ");
  const words = [...pattern.matchAll(/\{(\w+)\}/g)].length;
  let place = 0;
  let url = pattern.replace(/\{\w+\}/g, () => encodeURIComponent(String(asked[place++])));
  const rest = asked[words];
  const init: RequestInit & { headers: Record<string, string> } = { method, headers: {}, credentials: "same-origin" };
  if (method === "GET") url += queryText((rest ?? {}) as Readonly<Record<string, unknown>>);
  else init.headers["steward-csrf"] = await options.csrf();
  if (method === "POST") {
    init.headers["content-type"] = "application/json";
    init.body = JSON.stringify(rest ?? {});
  }
  const response = await reach(options, url, init);
  if (response.status === 204) return undefined;
  const answer = await parsed(response);
  // A daemon that is not well answers 503 with its health, which is no error.
  if (response.ok || (response.status === 503 && !("error" in Object(answer)))) return answer;
  throw refusalOf(response.status, answer);
}

async function reach(options: ClientOptions, url: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await options.fetch(url, init);
  } catch {
    throw new Refusal("unreachable", "the daemon could not be reached");
  }
  if (response.status === 401) options.refused();
  else options.answered();
  return response;
}

async function parsed(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    throw new Refusal("unreachable", `the answer was cut off or is none of steward (status ${response.status})`, {
      status: response.status,
    });
  }
}

function refusalOf(status: number, answer: unknown): Refusal {
  const { error } = Object(answer) as Partial<Shown<typeof failure>>;
  if (error === undefined) return new Refusal("unreachable", `the answer has the status ${status}`, { status });
  return new Refusal(error.code, error.message, { remedy: error.remedy, status, details: error.details ?? {} });
}

function queryText(query: Readonly<Record<string, unknown>>): string {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(query))
    if (value !== undefined && value !== "") parameters.set(key, String(value));
  const text = parameters.toString();
  return text === "" ? "" : `?${text}`;
}

/** A failure in one sentence, with what to do next. */
export function sentenceOf(fault: unknown): string {
  if (!(fault instanceof Refusal)) return fault instanceof Error ? fault.message : String(fault);
  return fault.remedy === "" ? fault.message : `${fault.message}. ${fault.remedy}`;
}
