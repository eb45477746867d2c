import { describe, expect, it } from "vitest";
import { parseJob } from "../../src/intake/job-file.ts";

const FILE = `to: class=tanker and not site=rotterdam
command: shellcommand
domain: nginx
data: [systemctl, restart, nginx]
deliverBy: 2h
reply: log
job:
  note: for the season
  reply: [office, pager]
  waves: [1, 10%, 100%]
  soak: 5m
  max: {failed: 2, unknown: "5%:abort"}
  window: 02:00-04:00
  tz: node
`;
const faultOf = (text: string): string => {
  try {
    parseJob(text, { name: "job.yaml" });
    return "none";
  } catch (error) {
    return (error as Error).message;
  }
};

describe("a job file", () => {
  it("is a message with its plan beside it", () => {
    expect(parseJob(FILE, { name: "job.yaml" })).toEqual({
      ...{ to: "class=tanker and not site=rotterdam", subject: "command.shellcommand.nginx", deliverBy: 7_200_000 },
      ...{
        data: ["systemctl", "restart", "nginx"],
        note: "for the season",
        reply: ["log"],
        jobReply: ["office", "pager"],
        waves: "1,10%,100%",
        soak: 300_000,
      },
      ...{ max: ["failed=2", "unknown=5%:abort"], window: "02:00-04:00", tz: "node" },
    });
    const named = "{to: [ship1, ship2], command: shellcommand, domain: os, data: [uptime], job: }";
    expect(parseJob(named, { name: "-" })).toEqual({
      to: "ship1, ship2",
      subject: "command.shellcommand.os",
      data: ["uptime"],
    });
  });

  it("with faults is refused, each fault with its line and column", () => {
    const bad = FILE.replace("waves: [1, 10%, 100%]", "waves: [1, 10%]").replace("soak: 5m", "soak: 5");
    expect(faultOf(bad.replace("tz: node", "colour: red"))).toBe(
      [
        "message job.yaml is not valid: 3 faults",
        "  job.yaml:10:10: `waves`: the last wave does not reach all nodes; end with 100%",
        "  job.yaml:11:9: `soak` is a duration such as 30s or 5m, not the number 5",
        "  job.yaml:14:3: `colour` is no key of a job; known are note, reply, draft, waves, soak, gate, max, onBound, atOnce, rate, ifAway, at, every, window, tz, until, approval",
      ].join("\n"),
    );
    expect(faultOf(FILE.replace("[office, pager]", "[office, 3]"))).toContain(
      "job.yaml:9:10 is not valid: `reply` is the name of a destination, or a list of such names, not a list",
    );
    expect(faultOf("to: ship1\ncommand: shellcommand\ndomain: os\ndata: [uptime]\n")).toContain(
      "a job is a message with a map `job`",
    );
    expect(faultOf(`${FILE}---\n${FILE}`)).toContain("a job file has one job");
    expect(faultOf("")).toContain("there is no job in it");
  });
});
