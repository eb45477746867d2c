import type { AlertView } from "../../message/care/alert.ts";
import type { OpenAlertView } from "../../runtime/operate/table/alerts.ts";
import { table } from "./table.ts";
import { visible } from "./text.ts";
import type { Times } from "./time.ts";

export function alertTable(alerts: readonly AlertView[], times: Times, columns?: number): string[] {
  return table(
    alerts,
    [
      { title: "NO", cell: (a) => String(a.no), align: "right" },
      { title: "NODE", cell: (a) => visible(a.node) },
      { title: "ALERT", cell: (a) => visible(a.code) },
      { title: "FIRST", cell: (a) => times.at(a.firstAt) },
      { title: "LAST", cell: (a) => times.at(a.lastAt) },
      { title: "TIMES", cell: (a) => String(a.count), align: "right" },
      { title: "STATE", cell: (a) => (a.overAt === undefined ? "raised" : `over ${times.at(a.overAt)}`) },
      { title: "WHAT", cell: (a) => visible(a.text) },
    ],
    columns,
  );
}

/** A table of the conditions that the rules of `alerts:` have found. */
export function openAlertTable(alerts: readonly OpenAlertView[], times: Times, columns?: number): string[] {
  return table(
    alerts,
    [
      { title: "RULE", cell: (a) => visible(a.rule) },
      { title: "NODE", cell: (a) => visible(a.node) },
      { title: "SINCE", cell: (a) => times.at(a.since) },
      {
        title: "TOLD",
        cell: (a) => (a.muted === true ? "muted" : a.toldAt === undefined ? "soon" : times.at(a.toldAt)),
      },
      { title: "TO", cell: (a) => visible(a.to.join(", ")) },
      {
        title: "WHAT",
        cell: (a) => `${visible(a.text)}${a.goneAt === undefined ? "" : `; gone ${times.at(a.goneAt)}`}`,
      },
    ],
    columns,
  );
}
