import { pathToFileURL } from "node:url";
import type { Config, SubscribeConfig } from "../../config/config.ts";
import { faultText, StewardError } from "../../message/errors.ts";
import { CONTROL_DOMAIN, isToken } from "../../message/subject.ts";
import { bye } from "../../methods/bye.ts";
import type { Method } from "../../methods/define.ts";
import { echo } from "../../methods/echo.ts";
import { errorlog } from "../../methods/errorlog.ts";
import { hello } from "../../methods/hello.ts";
import { ping } from "../../methods/ping.ts";
import { shellcommand } from "../../methods/shellcommand.ts";
import { syslogforwarding } from "../../methods/syslogforwarding.ts";
import { cancelMethod } from "../execute/cancel-method.ts";
import { COMPARE, compareMethod } from "../resync/compare-method.ts";
import { VOUCH, vouchMethod } from "../resync/vouch-method.ts";
import { processMethod } from "./process-method.ts";

/** What the daemon's own methods call when they are used. */
export interface Hooks {
  readonly hello: Parameters<typeof hello>[0];
  readonly bye: Parameters<typeof bye>[0];
  readonly failure: Parameters<typeof errorlog>[0];
  readonly cancel: Parameters<typeof cancelMethod>[0];
  readonly process: Parameters<typeof processMethod>[0];
  readonly compare: Parameters<typeof compareMethod>[0];
  readonly vouch: Parameters<typeof vouchMethod>[0];
}

/** Every method of this node: those that come with steward, and the user's own. */
export async function loadMethods(present: () => Config, hooks: Hooks): Promise<Map<string, Method>> {
  const config = present();
  const own = [
    shellcommand({ outputBytes: () => present().limits.outputBytes, grace: config.shell.grace }),
    syslogforwarding,
    echo,
    ping,
    hello(hooks.hello),
    bye(hooks.bye),
    errorlog(hooks.failure),
    cancelMethod(hooks.cancel),
    processMethod(hooks.process),
    compareMethod(hooks.compare),
    vouchMethod(hooks.vouch),
  ];
  const methods = new Map(own.map((method) => [method.name, method]));
  for (const file of config.methods) {
    const method = await loadMethod(file);
    if (methods.has(method.name)) throw invalid(config.file, `${file}: a method called ${method.name} exists already`);
    methods.set(method.name, method);
  }
  return methods;

  async function loadMethod(file: string): Promise<Method> {
    let module: { readonly method?: unknown };
    try {
      module = (await import(pathToFileURL(file).href)) as { readonly method?: unknown };
    } catch (error) {
      throw invalid(config.file, `${file} cannot be loaded: ${faultText(error)}`, error);
    }
    const method = module.method as Partial<Method> | undefined;
    if (typeof method !== "object" || method === null || !isToken(method.name)) {
      throw invalid(config.file, `${file} exports no \`method\` made with defineMethod`);
    }
    return method as Method;
  }
}

/** What every node takes without being told: control from central, and at central what nodes say of themselves. */
export function builtInSubscriptions(config: Config): SubscribeConfig[] {
  const taken = (
    kind: "command" | "event",
    method: string,
    from: readonly string[],
    concurrency: number,
  ): SubscribeConfig => ({
    subject: `${kind}.${method}.${CONTROL_DOMAIN}`,
    kind,
    method,
    domain: CONTROL_DOMAIN,
    from,
    allow: null,
    concurrency,
    queue: 1000,
    foreign: false,
  });
  const commands = ["cancel", "process", "ping", COMPARE].map((method) =>
    taken("command", method, config.control.from, 16),
  );
  const control = [...commands, taken("event", VOUCH, ["*"], 1)];
  if (config.node !== config.central) return control;
  return [...control, ...["hello", "bye", "errorlog"].map((method) => taken("event", method, ["*"], 1))];
}

function invalid(file: string, fault: string, cause?: unknown): StewardError {
  return new StewardError("config-invalid", { file, count: 1, faults: fault }, { cause });
}
