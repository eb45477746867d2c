/**
 * The method and path of each operation: `{name}` marks a parameter of the path; GET takes the other arguments in the
 * query, POST in a body of JSON. The schemas are in `TABLE`, under the same names: a client need not load them.
 */
export const ROUTES = {
  submit: "POST /v1/messages",
  messages: "GET /v1/messages",
  message: "GET /v1/messages/{id}",
  cancel: "POST /v1/messages/{id}/cancel",
  jobs: "GET /v1/jobs",
  createJob: "POST /v1/jobs",
  planJob: "POST /v1/jobs/plan",
  job: "GET /v1/jobs/{id}",
  jobNodes: "GET /v1/jobs/{id}/nodes",
  jobResults: "GET /v1/jobs/{id}/results",
  retryJob: "POST /v1/jobs/{id}/attempts",
  steerJob: "POST /v1/jobs/{id}/{verb}",
  found: "GET /v1/found/{id}",
  nodes: "GET /v1/nodes",
  node: "GET /v1/nodes/{name}",
  history: "GET /v1/history",
  facts: "GET /v1/nodes/{name}/facts",
  labels: "GET /v1/nodes/{name}/labels",
  label: "POST /v1/labels",
  queue: "GET /v1/nodes/{name}/queue",
  first: "POST /v1/nodes/{name}/queue/first",
  holds: "GET /v1/holds",
  hold: "POST /v1/holds",
  unhold: "POST /v1/holds/release",
  schedules: "GET /v1/schedules",
  resolve: "POST /v1/targets",
  processes: "GET /v1/processes",
  control: "POST /v1/processes/{node}/{subject}/{verb}",
  may: "POST /v1/may",
  dead: "GET /v1/dead",
  retryDead: "POST /v1/dead/{id}/retry",
  dropDead: "DELETE /v1/dead/{id}",
  alerts: "GET /v1/alerts",
  clearAlert: "DELETE /v1/alerts/{no}",
  openAlerts: "GET /v1/alerts/open",
  testAlert: "POST /v1/alerts/test",
  mutes: "GET /v1/mutes",
  mute: "POST /v1/mutes",
  unmute: "POST /v1/mutes/release",
  errands: "GET /v1/errands",
  retryErrand: "POST /v1/errands/{id}/retry",
  dropErrand: "DELETE /v1/errands/{id}",
  trust: "GET /v1/trust",
  invite: "POST /v1/invitations",
  decide: "POST /v1/trust/{name}/{verb}",
  audit: "GET /v1/audit",
  verifyAudit: "GET /v1/audit/check",
  logs: "GET /v1/logs",
  searchLogs: "GET /v1/logs/search",
  openPage: "POST /v1/page/links",
  issueToken: "POST /v1/tokens",
  sessions: "GET /v1/sessions",
  endSession: "DELETE /v1/sessions/{id}",
  brokerLogins: "GET /v1/broker/logins",
  supervision: "GET /v1/supervision",
  transitions: "GET /v1/transitions",
  machines: "GET /v1/machines",
  reload: "POST /v1/reload",
  approvals: "GET /v1/approvals",
  approve: "POST /v1/approvals/{id}",
  refuse: "DELETE /v1/approvals/{id}",
  operators: "GET /v1/operators",
  addOperator: "POST /v1/operators/{name}",
  removeOperator: "DELETE /v1/operators/{name}",
  rekeyOperator: "POST /v1/operators/{name}/key",
  whoami: "GET /v1/whoami",
  watch: "GET /v1/events",
  health: "GET /healthz",
  metrics: "GET /metrics",
} as const satisfies Readonly<Record<string, `${"GET" | "POST" | "DELETE"} /${string}`>>;

export type Name = keyof typeof ROUTES;

/** The parameters of a path, in its order. */
export type Words<Path extends string> = Path extends `${string}{${infer Word}}${infer Rest}`
  ? readonly [Word, ...Words<Rest>]
  : readonly [];

export interface Route {
  readonly method: string;
  readonly path: string;
  readonly words: readonly string[];
}

export function routeOf(name: Name): Route {
  const [method = "", path = ""] = ROUTES[name].split(" ");
  return { method, path, words: [...path.matchAll(/\{(\w+)\}/g)].map(([, word = ""]) => word) };
}
