import { defineMethod } from "./define.ts";
import { syslogSource } from "./syslog/network/source-syslog.ts";
import { tailSource } from "./syslog/tail/source-tail.ts";
import { sink } from "./syslog/write/sink.ts";

/** Carries log lines: from a syslog socket or a followed file on one node, into files on another. */
export const syslogforwarding = defineMethod({
  name: "syslogforwarding",
  summary: "Forwards syslog messages and the lines of log files, and stores them by origin, domain and day.",
  event: sink,
  sources: { syslog: syslogSource, tail: tailSource },
});
