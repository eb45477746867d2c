import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { Agent, get } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import type { WebServerProgram, WebServers } from "../../../scripts/web-servers.mjs";
import { eventuallySeen } from "../eventually.ts";
import { atTestEnd, tempDir } from "../temp.ts";

/** A real nginx or apache2 with a configuration of its own in a temporary directory, gone when the test is over. */
export interface WebServer {
  /** Its access log. */
  readonly log: string;
  /** Its access log and those that were rotated away, oldest first. */
  readonly logs: readonly string[];
  /** Requests these paths one after the other over one connection; each was answered when it resolves. */
  request(paths: readonly string[]): Promise<void>;
  /** As logrotate does it: renames the logs, `.1` the newest, has the server open a new one, and waits for that. */
  rotate(): Promise<void>;
  stop(): Promise<void>;
}

interface Place {
  readonly directory: string;
  readonly port: number;
  readonly log: string;
}

const ROOT = process.getuid?.() === 0;
/** A server that root starts works as nobody. */
const NOBODY = "65534";
const ATTEMPTS = 5;

/** `accessLogs`: more places for the access log, as nginx.conf takes them: `syslog:server=127.0.0.1:5514,tag=nginx`. */
export function startNginx({ nginx }: WebServers, accessLogs: readonly string[] = []): Promise<WebServer> {
  const group = existsSync("/etc/debian_version") ? "nogroup" : "nobody";
  return start(nginx, "SIGUSR1", ({ directory, port, log }) => ({
    args: ["-p", directory, "-c", join(directory, "server.conf")],
    config: `
daemon off;
worker_processes 1;
${ROOT ? `user nobody ${group};` : ""}
pid ${directory}/nginx.pid;
error_log ${directory}/error.log warn;
events { worker_connections 64; }
http {
  ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((of) => `${of}_temp_path ${directory}/${of};`).join(" ")}
  keepalive_requests 100000;
  ${[log, ...accessLogs].map((to) => `access_log ${to} combined;`).join("\n  ")}
  server { listen 127.0.0.1:${port}; location / { return 204; } }
}`,
  }));
}

/** `customLogs`: more places for the access log, as CustomLog takes them: `|/usr/bin/logger …`. */
export function startApache({ apache2 }: WebServers, customLogs: readonly string[] = []): Promise<WebServer> {
  const module = (name: string): string => `LoadModule ${name}_module ${apache2.modules}/mod_${name}.so`;
  // Built in at Debian, modules elsewhere.
  const perhaps = (name: string): string => `<IfModule !${name}_module>\n${module(name)}\n</IfModule>`;
  return start(apache2, "SIGUSR1", ({ directory, port, log }) => ({
    args: ["-D", "FOREGROUND", "-d", directory, "-f", join(directory, "server.conf")],
    config: `
${["mpm_event", "authz_core", "alias"].map(module).join("\n")}
${["unixd", "log_config"].map(perhaps).join("\n")}
${ROOT ? `User #${NOBODY}\nGroup #${NOBODY}` : ""}
DefaultRuntimeDir ${directory}
PidFile ${directory}/apache2.pid
ErrorLog ${directory}/error.log
ServerName localhost
Listen 127.0.0.1:${port}
StartServers 1
ThreadsPerChild 4
MinSpareThreads 1
MaxSpareThreads 8
MaxRequestWorkers 16
MaxKeepAliveRequests 0
LogFormat "%h %l %u %t \\"%r\\" %>s %O \\"%{Referer}i\\" \\"%{User-Agent}i\\"" combined
${[log, ...customLogs].map((to) => `CustomLog "${to}" combined`).join("\n")}
RedirectMatch 204 .`,
  }));
}

async function start(
  { path, env }: WebServerProgram,
  reopen: NodeJS.Signals,
  compose: (place: Place) => { args: readonly string[]; config: string },
): Promise<WebServer> {
  const directory = await tempDir();
  if (ROOT) await chmod(directory, 0o755);
  const log = join(directory, "logs", "access.log");
  await mkdir(join(directory, "logs"));
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const { args, config } = compose({ directory, port, log });
    await writeFile(join(directory, "server.conf"), config);
    const child = run(path, args, directory, env);
    try {
      await eventuallySeen("the web server answers, or ends", () => {
        if (child.exitCode !== null) return true;
        return request(port, ["/ready"]).then(() => true);
      });
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
      return serve(child, port, log, reopen);
    } catch (error) {
      await end(child, "SIGKILL");
      // Somebody else may have taken the port since it was found free.
      if (attempt < ATTEMPTS) continue;
      const words = await readFile(join(directory, "error.log"), "utf8").catch(() => "");
      throw new Error(`${path} does not start:\n${words}`, { cause: error });
    }
  }
}

/** In a process group of its own, so that its workers and loggers end with it whatever happens. */
function run(path: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): ChildProcess {
  const child = spawn(path, args, { cwd, env, detached: true, stdio: "ignore" });
  child.once("error", () => undefined);
  atTestEnd(
    () => end(child, "SIGKILL"),
    () => killGroup(child),
  );
  return child;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
    const gone = once(child, "exit");
    child.kill(signal);
    await gone;
  }
  killGroup(child);
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // All of it is gone.
  }
}

function serve(child: ChildProcess, port: number, log: string, reopen: NodeJS.Signals): WebServer {
  let rotations = 0;
  const logs = (): string[] => [...Array.from({ length: rotations }, (_, i) => `${log}.${rotations - i}`), log];
  return {
    log,
    get logs() {
      return logs();
    },
    request: (paths) => request(port, paths),
    async rotate() {
      const before = logs();
      rotations++;
      for (const [i, name] of before.entries()) await rename(name, logs()[i] ?? "");
      child.kill(reopen);
      await eventuallySeen("the server has opened a new log", () => existsSync(log));
    },
    stop: () => end(child, "SIGTERM"),
  };
}

async function request(port: number, paths: readonly string[]): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    for (const path of paths) await one(agent, port, path);
  } finally {
    agent.destroy();
  }
}

function one(agent: Agent, port: number, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { "user-agent": 'steward "tests" é' };
    const sent = get({ agent, host: "127.0.0.1", port, path, headers }, (response) => {
      response.resume();
      response.once("error", reject);
      response.once("end", () => {
        if (response.statusCode === 204) resolve();
        else reject(new Error(`${path} was answered with ${response.statusCode}`));
      });
    });
    sent.once("error", (error: NodeJS.ErrnoException) => {
      // A server that opens a new log closes idle connections; as a browser does, it is asked again over a new one.
      if (sent.reusedSocket && error.code === "ECONNRESET") one(agent, port, path).then(resolve, reject);
      else reject(error);
    });
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(address !== null && typeof address === "object" ? address.port : 0));
    });
  });
}
