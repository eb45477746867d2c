import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { Clock, Timer } from "../../message/clock.ts";
import { StewardError } from "../../message/errors.ts";
import { withTimes } from "../../message/text/time-words.ts";
import { isLoopback } from "../../platform/host/loopback.ts";
import type { Logger } from "../../platform/logger.ts";
import type { Name } from "../../runtime/operate/routes.ts";
import { type ApiRequest, type Identified, Reception } from "../../runtime/operate/speak/reception.ts";
import type { Operations } from "../../runtime/operate/table.ts";
import { apiApp, failed } from "../app.ts";
import { RequestsUnderWay, refuseBroken, refuseLast } from "../connections.ts";
import { EventStreams } from "../event-streams.ts";
import { failureOf, RequestRefused } from "../failure.ts";
import { requestListener } from "../request-listener.ts";
import {
  type Admission,
  admit,
  insistOnHost,
  isFromElsewhere,
  type Request,
  type Visitor,
  type Visitors,
} from "./admission.ts";
import { Certificate, type CertificateFiles } from "./certificate.ts";
import { cookieName, cookieText, KEPT_FOR_EVER, securityHeaders } from "./headers.ts";
import { lettersOf } from "./letters.ts";
import { OwnHosts } from "./own-hosts.ts";
import { PageFiles } from "./page-files.ts";

/**
 * The listener for browsers and other machines: the files of the page, the operations below `/v1` for those who have
 * logged in, and the login itself.
 *
 *   GET  /login/SECRET   a link that is good once: opens a session, sets its cookie, goes on to the page
 *   GET  /session        who is logged in, and the value of the header `steward-csrf`
 *   DELETE /session      signs out
 *   /v1/…, /openapi.json, /healthz, /metrics      operations
 *   everything else      files of the page
 *
 * No secret is logged, and none stays in the address of the page.
 */
export interface PageListenerOptions {
  readonly operations: Operations;
  readonly listen: { readonly host: string; readonly port: number };
  readonly address: URL | undefined;
  readonly tls: CertificateFiles | undefined;
  /** The folder with the built page. */
  readonly folder: string;
  readonly visitors: Visitors;
  /** The speaker that a visitor stands for, as it is now. */
  readonly speakerOf: (visitor: Visitor) => Speaker;
  readonly operationsFor: (speaker: Speaker) => Operations;
  readonly failures: LoginFailures;
  /** Told of each login, and of each one that failed. */
  readonly loggedIn: (visitor: Visitor | undefined, from: string) => void;
  /** Names this life of the listener to clients that come back. */
  readonly life: string;
  readonly clock: Clock;
  readonly log: Logger;
}

type Speaker = Identified["speaker"];

export interface LoginFailures {
  waitOf(address: string): number;
  failed(address: string): number;
}

export interface PageListener {
  readonly port: number;
  /** The address at which the page is opened. */
  readonly origin: string;
  stop(): Promise<void>;
}

/** Operations that only those may ask for who are on the machine itself. */
const AT_THE_SOCKET: ReadonlySet<Name> = new Set(["openPage", "issueToken"]);
const OPERATION = /^\/(v1\/|openapi\.json$|healthz$|metrics$)/;
const LOGIN = /^\/login\/([\w-]{1,100})$/;
/** A page that hears nothing for longer says since when it is stale, ms. */
const HEARTBEAT = 5_000;
const SWEEP_EVERY = 15_000;
/** Bounds of a client that is slow or does nothing, ms. */
const TIMES = { headersTimeout: 20_000, requestTimeout: 120_000, keepAliveTimeout: 30_000 } as const;
const CONNECTIONS = 500;

/** @throws StewardError `certificate-unusable`, and the errors of `listen` */
export async function openPageListener(options: PageListenerOptions): Promise<PageListener> {
  const { listen, tls, clock, log } = options;
  const certificate = tls === undefined ? undefined : new Certificate(tls, clock);
  if (certificate === undefined && !isLoopback(listen.host))
    throw new StewardError("certificate-unusable", {
      certificate: "none",
      key: "none",
      fault: `${listen.host} is reached from elsewhere, and only HTTPS is spoken there`,
    });
  let answer: RequestListener = (_, outgoing) => void outgoing.destroy();
  const take: RequestListener = (incoming, outgoing) => answer(incoming, outgoing);
  const server =
    certificate === undefined
      ? createServer(TIMES, take)
      : createSecureServer({ ...TIMES, minVersion: "TLSv1.2", ...secrets(certificate) }, take);
  server.maxConnections = CONNECTIONS;
  refuseBroken(server);
  refuseLast(server, log);
  const port = await listening(server, listen);
  server.on("error", (error) => log.error({ err: error }, "the page's listener failed"));
  const hosts = new OwnHosts({
    listen: { host: listen.host, port },
    address: options.address,
    certificate: () => certificate?.pair.leaf,
  });
  const door = new Door(options, hosts, port);
  answer = (incoming, outgoing) => door.answer(incoming, outgoing);
  certificate?.follow(
    ({ cert, key }) => {
      if ("setSecureContext" in server) server.setSecureContext({ cert, key });
      log.info({}, "the page has another certificate from now on");
    },
    (error) => log.error({ err: error }, "the page keeps the certificate that it has"),
  );
  let stopped: Promise<void> | undefined;
  return {
    port,
    origin: hosts.origin,
    stop: () => {
      certificate?.end();
      stopped ??= door.end(server);
      return stopped;
    },
  };
}

function secrets({ pair: { cert, key } }: Certificate): { cert: Buffer; key: Buffer } {
  return { cert, key };
}

function listening(server: Server, { host, port }: { host: string; port: number }): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, exclusive: true }, () => {
      server.off("error", reject);
      const bound = server.address();
      resolve(typeof bound === "object" && bound !== null ? bound.port : port);
    });
  });
}

class Door {
  readonly #options: PageListenerOptions;
  readonly #hosts: OwnHosts;
  readonly #files: PageFiles;
  readonly #streams: EventStreams;
  readonly #operations: RequestListener;
  readonly #underWay = new RequestsUnderWay();
  readonly #secure: boolean;
  readonly #cookie: string;
  readonly #headers: Readonly<Record<string, string>>;
  #sweeping: Timer | undefined;

  constructor(options: PageListenerOptions, hosts: OwnHosts, port: number) {
    const { operations, clock, log, address, folder } = options;
    this.#options = options;
    this.#hosts = hosts;
    this.#files = new PageFiles(folder);
    this.#streams = new EventStreams(operations, clock, { life: options.life, heartbeat: HEARTBEAT });
    // The request was admitted before it comes here; the header of changes is not looked at again.
    const identify = ({ header }: ApiRequest): Identified => {
      const asked = { cookie: header("cookie"), authorization: header("authorization") };
      const request = { method: "GET", path: "", headers: asked };
      const { visitor } = admit(request, hosts, options.visitors, this.#cookie);
      const now = () => options.speakerOf(visitor);
      return { speaker: now(), now };
    };
    const reception = new Reception(identify, options.operationsFor);
    const app = apiApp({ operations, reception, streams: this.#streams, log, withheld: AT_THE_SOCKET });
    this.#operations = requestListener(app, (thrown) => failed(thrown, log));
    const https = hosts.scheme === "https:";
    this.#secure = https || address?.protocol === "https:";
    this.#cookie = cookieName(this.#secure, port);
    this.#headers = securityHeaders(this.#secure);
    this.#sweep();
  }

  answer(incoming: IncomingMessage, outgoing: ServerResponse): void {
    this.#underWay.add(outgoing);
    for (const [name, value] of Object.entries(this.#headers)) outgoing.setHeader(name, value);
    try {
      this.#route(incoming, outgoing);
    } catch (thrown) {
      this.#refuse(outgoing, thrown);
    }
  }

  async end(server: Server): Promise<void> {
    this.#options.clock.clearTimeout(this.#sweeping);
    await this.#underWay.end(server, this.#options.clock, () => this.#streams.close());
  }

  #route(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { method = "GET", url = "", headers } = incoming;
    const path = url.split(/[?#]/, 1)[0] ?? "";
    const request: Request = { method, path, headers };
    insistOnHost(request, this.#hosts);
    if (OPERATION.test(path)) {
      this.#leave(this.#admitted(request, incoming).visitor, outgoing);
      this.#operations(incoming, outgoing);
      return;
    }
    if (path === "/session") {
      this.#session(request, incoming, outgoing);
      return;
    }
    if (method !== "GET" && method !== "HEAD") {
      outgoing.setHeader("allow", "GET, HEAD");
      throw new RequestRefused(405, `${path} takes GET, not ${method}`);
    }
    const [, link] = LOGIN.exec(path) ?? [];
    if (link === undefined) this.#file(request, outgoing);
    else this.#login(request, link, incoming, outgoing);
  }

  /** A token that opens nothing is counted against its address. */
  #admitted(request: Request, incoming: IncomingMessage): Admission {
    try {
      return admit(request, this.#hosts, this.#options.visitors, this.#cookie);
    } catch (error) {
      const isGuess = error instanceof StewardError && error.code === "login-needed";
      if (!isGuess || request.headers.authorization === undefined) throw error;
      const wait = this.#options.failures.waitOf(addressOf(incoming));
      if (wait > 0) throw new StewardError("logins-refused", { seconds: secondsOf(wait) }, { cause: error });
      this.#failed(addressOf(incoming));
      throw error;
    }
  }

  /** Ends a request when its session ends. */
  #leave(visitor: Visitor, outgoing: ServerResponse): void {
    const forget = visitor.whenEnded(() => outgoing.destroy());
    outgoing.on("close", forget);
  }

  #session(request: Request, incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { visitors, operations } = this.#options;
    const { visitor, csrf } = this.#admitted(
      request.method === "DELETE" ? request : { ...request, method: "GET" },
      incoming,
    );
    if (request.method === "DELETE") {
      visitors.end(visitor.id);
      outgoing.setHeader("set-cookie", cookieText(this.#cookie, "", this.#secure));
      outgoing.writeHead(204, { "cache-control": "no-store" }).end();
      return;
    }
    if (request.method !== "GET" && request.method !== "HEAD")
      throw new RequestRefused(405, `/session takes GET and DELETE, not ${request.method}`);
    const { id, kind, createdAt, expiresAt } = visitor;
    const { name: by, role } = this.#options.speakerOf(visitor);
    Promise.resolve(operations.health()).then(
      ({ node, version }) =>
        this.#json(outgoing, 200, { node, version, id, kind, by, role, csrf, createdAt, expiresAt }),
      (thrown: unknown) => this.#refuse(outgoing, thrown),
    );
  }

  #login(request: Request, link: string, incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { visitors, failures, loggedIn } = this.#options;
    const from = addressOf(incoming);
    outgoing.setHeader("cache-control", "no-store");
    // A link that is only looked at, by a preview or ahead of time, stays good.
    const looks = request.method === "HEAD" || request.headers["sec-purpose"] !== undefined;
    const wait = failures.waitOf(from);
    if (wait > 0) {
      outgoing.setHeader("retry-after", Math.ceil(wait / 1000));
      this.#letter(outgoing, 429, lettersOf.tooMany(wait));
      return;
    }
    if (looks) {
      this.#letter(outgoing, 403, lettersOf.preview);
      return;
    }
    const entered = visitors.enter(link);
    if (entered === undefined) {
      this.#failed(from);
      this.#letter(outgoing, 401, lettersOf.void);
      return;
    }
    loggedIn(entered.session, from);
    outgoing.setHeader("set-cookie", cookieText(this.#cookie, entered.secret, this.#secure));
    // After a link on another site a browser sends the new cookie only to an address that our own page leads to.
    if (isFromElsewhere(request, this.#hosts)) this.#letter(outgoing, 200, lettersOf.goOn);
    else outgoing.writeHead(303, { location: "/" }).end();
  }

  #failed(from: string): void {
    this.#options.failures.failed(from);
    this.#options.loggedIn(undefined, from);
  }

  #file(request: Request, outgoing: ServerResponse): void {
    const file = this.#files.find(request.path);
    if (file === undefined) {
      if (this.#files.find("/") === undefined && request.path === "/") this.#letter(outgoing, 503, lettersOf.notBuilt);
      else throw new RequestRefused(404, `there is no ${request.path.slice(0, 200)}`);
      return;
    }
    const zipped = file.gzip !== undefined && /\bgzip\b/.test(String(request.headers["accept-encoding"] ?? ""));
    const body = zipped && file.gzip !== undefined ? file.gzip : file.body;
    outgoing.writeHead(200, {
      "content-type": file.type,
      "content-length": body.length,
      "cache-control": file.hashed ? KEPT_FOR_EVER : "no-store",
      vary: "accept-encoding",
      ...(zipped ? { "content-encoding": "gzip" } : {}),
    });
    outgoing.end(request.method === "HEAD" ? undefined : body);
  }

  #letter(outgoing: ServerResponse, status: number, text: string): void {
    outgoing.writeHead(status, { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" });
    outgoing.end(text);
  }

  #json(outgoing: ServerResponse, status: number, body: unknown): void {
    const text = JSON.stringify(withTimes(body));
    outgoing.writeHead(status, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(text),
      "cache-control": "no-store",
    });
    outgoing.end(text);
  }

  #refuse(outgoing: ServerResponse, thrown: unknown): void {
    const { status, body, defect } = failureOf(thrown);
    if (defect) this.#options.log.error({ err: thrown }, "a request to the page failed");
    else this.#options.log.debug({ status, code: body.error.code }, "a request to the page was refused");
    if (outgoing.headersSent) {
      outgoing.destroy();
      return;
    }
    if (status === 401) outgoing.setHeader("www-authenticate", 'Bearer realm="steward"');
    if (body.error.code === "logins-refused") outgoing.setHeader("retry-after", Number(body.error.details.seconds));
    // The body of a refused request is not read.
    outgoing.setHeader("connection", "close");
    this.#json(outgoing, status, body);
  }

  #sweep(): void {
    const { clock, visitors } = this.#options;
    visitors.sweep();
    this.#sweeping = clock.setTimeout(() => this.#sweep(), SWEEP_EVERY);
  }
}

function addressOf(incoming: IncomingMessage): string {
  return incoming.socket.remoteAddress ?? "unknown";
}

function secondsOf(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000));
}
