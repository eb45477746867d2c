import { open, readFile } from "node:fs/promises";
import type { Config, DestinationConfig } from "../config/config.ts";
import type { Errand } from "../message/care/errand.ts";
import type { Clock } from "../message/clock.ts";
import { faultText } from "../message/errors.ts";
import type { Spawner } from "../methods/spawner.ts";
import type { Courier } from "./errands.ts";
import { subjectLine } from "./subject-line.ts";

export interface WorldCourierOptions {
  readonly config: () => Pick<Config, "destinations" | "node">;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly spawner: Pick<Spawner, "start" | "forget">;
  readonly transport: { publish(subject: string, payload: Uint8Array): boolean };
  /** Raises an alert at this node. */
  readonly alert: (text: string, about: string) => void;
  /** The output of a command, for its outcome. */
  readonly output: (message: string) => string;
}

const GRACE = 5_000;
/** The bytes of a program's complaints that are kept. */
const COMPLAINT = 500;
const LONGEST_TOKEN = 8192;

/** Brings errands to files, programs, web addresses, mailboxes and NATS subjects: only those that the configuration names. */
export class WorldCourier implements Courier {
  readonly #options: WorldCourierOptions;

  constructor(options: WorldCourierOptions) {
    this.#options = options;
  }

  async carry(errand: Errand): Promise<void> {
    const { destinations } = this.#options.config();
    const destination = Object.hasOwn(destinations, errand.to) ? destinations[errand.to] : undefined;
    if (destination === undefined) throw new Error(`steward.yaml has no destination ${errand.to} any more`);
    const { append, run, post, mail, publish, alert } = destination;
    if (append !== undefined) await appendLine(append, this.#text(errand));
    else if (run !== undefined) await this.#run(run, this.#text(errand), errand.id, destination.timeout);
    else if (post !== undefined) await this.#post(post, errand, destination);
    else if (mail !== undefined)
      await this.#run(
        [...destination.sendmail, "--", ...mail],
        letter(this.#options.config().node, mail, errand, this.#body(errand)),
        errand.id,
        destination.timeout,
      );
    else if (publish !== undefined) {
      if (!this.#options.transport.publish(publish, Buffer.from(this.#text(errand))))
        throw new Error("there is no connection to the broker");
    } else if (alert === true) this.#options.alert(subjectLine(errand), errand.id);
  }

  #body({ id, about, body }: Errand): Errand["body"] {
    const output = about === "outcome" && typeof body.id === "string" ? this.#options.output(body.id) : "";
    return { key: id, about, ...body, ...(output === "" ? {} : { output }) };
  }

  /** One line of JSON. */
  #text(errand: Errand): string {
    return JSON.stringify(this.#body(errand));
  }

  async #post(url: string, errand: Errand, { timeout, tokenFile }: DestinationConfig): Promise<void> {
    const { clock } = this.#options;
    const token = tokenFile === undefined ? undefined : await tokenIn(tokenFile);
    const abort = new AbortController();
    const timer = clock.setTimeout(() => abort.abort(), timeout);
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "idempotency-key": errand.id,
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        body: this.#text(errand),
        // Another host than the configured one would get what is not meant for it.
        redirect: "manual",
        signal: abort.signal,
      });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`${new URL(url).host} answered ${response.status}`);
    } catch (error) {
      if (abort.signal.aborted) throw new Error(`${new URL(url).host} did not answer within ${timeout} ms`);
      throw error instanceof TypeError ? new Error(`${new URL(url).host}: ${faultText(error.cause ?? error)}`) : error;
    } finally {
      clock.clearTimeout(timer);
    }
  }

  async #run([program = "", ...rest]: readonly string[], input: string, key: string, timeout: number): Promise<void> {
    const { spawner, newId } = this.#options;
    const id = newId();
    const said: string[] = [];
    const run = await spawner.start(
      {
        id,
        argv: [program, ...rest],
        input: { text: `${input}\n`, encoding: "utf8" },
        env: { STEWARD_KEY: key },
        timeout,
        grace: GRACE,
        head: COMPLAINT,
        tail: 0,
      },
      (parts) => said.push(...parts.filter(({ stream }) => stream === "stderr").map(({ text }) => text)),
    );
    const end = await run.end;
    await spawner.forget(id);
    if (end.kind !== "exited") throw new Error(`${program}: ${end.message}`);
    if (end.code === 0 && end.ended === undefined) return;
    const how =
      end.ended === "timeout"
        ? `was ended after ${timeout} ms`
        : end.signal === null
          ? `ended with exit code ${end.code}`
          : `was ended by ${end.signal}`;
    const complaint = said.join("").trim().slice(0, COMPLAINT);
    throw new Error(`${program} ${how}${complaint === "" ? "" : `: ${complaint}`}`);
  }
}

/** The token in a file. Fetch would name one that fits in no header in its complaint. @throws Error that never shows it */
async function tokenIn(path: string): Promise<string> {
  const token = (await readFile(path, "utf8")).trim();
  if (/^[\x21-\x7e]+$/.test(token) && token.length <= LONGEST_TOKEN) return token;
  throw new Error(
    `${path} holds no token: one line of letters, digits and signs of ASCII, at most ${LONGEST_TOKEN} bytes`,
  );
}

/** Adds a line to a file, synced. A line that a crash cut short is ended first. */
async function appendLine(path: string, line: string): Promise<void> {
  const file = await open(path, "a+", 0o600);
  try {
    const { size } = await file.stat();
    const last = Buffer.alloc(1);
    if (size > 0) await file.read(last, 0, 1, size - 1);
    await file.appendFile(`${size > 0 && last[0] !== 0x0a ? "\n" : ""}${line}\n`);
    await file.datasync();
  } finally {
    await file.close();
  }
}

function letter(node: string, to: readonly string[], errand: Errand, body: Errand["body"]): string {
  const lines = Object.entries(body).map(([key, value]) =>
    typeof value === "string" ? `${key}: ${value}` : `${key}: ${JSON.stringify(value)}`,
  );
  return [
    `To: ${to.join(", ")}`,
    `Subject: [steward ${node}] ${subjectLine(errand)}`,
    `X-Steward-Key: ${errand.id}`,
    "Content-Type: text/plain; charset=utf-8",
    "",
    ...lines,
  ].join("\n");
}
