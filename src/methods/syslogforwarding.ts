import { defineMethod } from "./define.ts";
import { sink } from "./syslog/sink.ts";
import { syslogSource } from "./syslog/source-syslog.ts";
import { tailSource } from "./syslog/source-tail.ts";

/** Carries log lines: from a syslog socket or a followed file on one node, into files on another. */
export const syslogforwarding = defineMethod({
  name: "syslogforwarding",
  summary: "Forwards syslog messages and the lines of log files, and stores them by origin, domain and day.",
  event: sink,
  sources: { syslog: syslogSource, tail: tailSource },
});
