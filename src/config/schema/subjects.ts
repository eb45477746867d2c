import { z } from "zod";
import { kind, mapping, setting } from "./about.ts";
import {
  flag,
  listOf,
  origin,
  path,
  pattern,
  receivedSubject,
  sentSubject,
  syslogAddress,
  wholeNumber,
} from "./fields.ts";

/** An entry of `subscribe:` in steward.yaml. */
export const subscription = mapping({
  subject: setting(receivedSubject(), {
    description: "What to take, without this node's name: <command|event>.<method>.<domain>.",
    example: "command.shellcommand.operatingsystem",
  }),
  from: setting(listOf(origin(), "a list of nodes such as [central]", 1).optional(), {
    description: 'Nodes that may send it; "*" is any node.',
    fallback: 'the central node; on central itself, for events, "*"',
    example: ["central"],
    shown: true,
  }),
  allow: setting(listOf(pattern(), "a list of patterns", 1).optional(), {
    description: "Commands that may run, as patterns of the whole line; * stands for any run of characters.",
    fallback: "all",
    example: ["systemctl * nginx", "nginx -t"],
  }),
  concurrency: setting(wholeNumber(1, 1024).prefault(1), {
    description: "Messages handled at once. 1 keeps the order in which they were accepted.",
  }),
  queue: setting(wholeNumber(1, 1_000_000).prefault(1000), {
    description: "Messages that may wait here; then the senders are asked to wait.",
  }),
  foreign: setting(flag().prefault(false), {
    description:
      'Also take {"data": …} from plain NATS publishers. They are not authenticated by steward: `from` cannot be checked.',
  }),
});

/** JSON Schema: this key is there. */
const only = (key: string) => ({ type: "object", properties: { [key]: {} }, required: [key] });

/** An entry of `publish:` in steward.yaml. */
export const publication = kind(
  mapping({
    subject: setting(sentSubject(), {
      description: "What to send, and to whom: <receiving node>.event.<method>.<domain>.",
      example: "central.event.syslogforwarding.nginx",
    }),
    syslog: setting(syslogAddress().optional(), {
      description: "Listen for syslog there (udp or tcp). Each entry has exactly one of syslog, tail and source.",
      example: "udp://127.0.0.1:5514",
      shown: true,
    }),
    tail: setting(path().optional(), {
      description: "Follow this file, across rotation; one file, no pattern.",
      example: "/var/log/apache2/access.log",
    }),
    source: setting(
      kind(z.record(z.string(), kind(z.string().min(1), { expects: "text" })), {
        expects: "one source and its setting, such as {gps: /dev/ttyUSB0}",
      }).optional(),
      {
        description: "A source of a method of your own, by its name, and its setting.",
        example: { gps: "/dev/ttyUSB0" },
      },
    ),
  }).meta({ oneOf: ["syslog", "tail", "source"].map(only) }),
  { expects: "a mapping with subject and one of syslog, tail, source" },
);
