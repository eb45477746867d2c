import { createSocket } from "node:dgram";
import { appendFileSync } from "node:fs";
import { hostname } from "node:os";

/**
 * Writers of log lines in the formats of web servers: nginx with `access_log syslog:server=…,tag=nginx`, one datagram a
 * line (RFC 3164, local7.info), apache2 with its combined log in a file.
 */
export interface LogWriters {
  /** Logs one request to each server; `at` is ms since 1970. */
  request(at: number, number: number): void;
  /** The lines written so far, oldest first. */
  readonly written: { readonly nginx: readonly string[]; readonly apache: readonly string[] };
  close(): void;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const LOCAL7_INFO = 23 * 8 + 6;
const NGINX = [
  ["GET / HTTP/1.1", 200, 615],
  ["GET /chart/north-sea.png HTTP/1.1", 200, 48211],
  ["POST /api/position HTTP/1.1", 201, 27],
  ["GET /favicon.ico HTTP/1.1", 404, 153],
] as const;
const APACHE = [
  ["GET /weather HTTP/1.1", 200, 10701],
  ["GET /weather/forecast?hours=48 HTTP/1.1", 200, 3391],
  ["GET /cgi-bin/.%2e/bin/sh HTTP/1.1", 400, 483],
  ["HEAD /status HTTP/1.0", 200, 0],
] as const;

export function openLogWriters(syslogPort: number, accessLog: string): LogWriters {
  const socket = createSocket("udp4");
  // The summary tells of a datagram that was lost.
  socket.on("error", () => undefined);
  const written = { nginx: [] as string[], apache: [] as string[] };
  return {
    written,
    request(at, number) {
      const [nginxRequest, nginxStatus, nginxBytes] = NGINX[number % NGINX.length] ?? NGINX[0];
      const nginx = `203.0.113.${10 + (number % 40)} - - [${httpTime(at)}] "${nginxRequest}" ${nginxStatus} ${nginxBytes} "-" "Mozilla/5.0"`;
      socket.send(`<${LOCAL7_INFO}>${syslogTime(at)} ${shortHostname()} nginx: ${nginx}`, syslogPort, "127.0.0.1");
      written.nginx.push(nginx);
      const [apacheRequest, apacheStatus, apacheBytes] = APACHE[number % APACHE.length] ?? APACHE[0];
      const apache = `198.51.100.${10 + (number % 40)} - - [${httpTime(at)}] "${apacheRequest}" ${apacheStatus} ${apacheBytes} "-" "curl/8.5.0"`;
      appendFileSync(accessLog, `${apache}\n`);
      written.apache.push(apache);
    },
    close: () => void socket.close(),
  };
}

const two = (value: number): string => String(value).padStart(2, "0");

/** `22/Nov/2026:15:04:05 +0100` */
function httpTime(at: number): string {
  const date = new Date(at);
  const ahead = -date.getTimezoneOffset();
  const zone = `${ahead < 0 ? "-" : "+"}${two(Math.floor(Math.abs(ahead) / 60))}${two(Math.abs(ahead) % 60)}`;
  return `${two(date.getDate())}/${MONTHS[date.getMonth()]}/${date.getFullYear()}:${clock(date)} ${zone}`;
}

/** `Nov 22 15:04:05`, the day with a space before one digit. */
function syslogTime(at: number): string {
  const date = new Date(at);
  return `${MONTHS[date.getMonth()]} ${String(date.getDate()).padStart(2)} ${clock(date)}`;
}

function clock(date: Date): string {
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

function shortHostname(): string {
  return hostname().split(".")[0] || "localhost";
}
