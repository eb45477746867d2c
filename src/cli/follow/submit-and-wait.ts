import { EXIT } from "../../message/errors.ts";
import type { Accepted } from "../../runtime/operate/table/messages.ts";
import type { Cli } from "../cli.ts";
import type { Daemon } from "../daemon.ts";
import { announce, announceHeld, noteBroker } from "./announce.ts";
import { Follower, type FollowerLook } from "./follower.ts";
import { reportEnd } from "./report.ts";
import { inReach } from "./tracked.ts";

/**
 * Submits messages, prints which nodes are in reach, follows the messages and answers the exit code. `limit`: wait for all
 * nodes, in reach or not, at most so many ms (`null`: without limit); absent: for the nodes in reach.
 */
export async function submitAndWait(
  cli: Cli,
  daemon: Daemon,
  submit: () => Promise<readonly Accepted[]>,
  limit: number | null | undefined,
  look: FollowerLook = {},
): Promise<number> {
  const follower = new Follower(cli, look);
  try {
    await follower.listen();
    const accepted = await submit();
    if (accepted.length > 0 && accepted.every(({ held }) => held !== undefined)) {
      announceHeld(cli, accepted);
      return EXIT.notDelivered;
    }
    const connected = await noteBroker(cli, daemon, accepted);
    // Without a broker no other node is in reach, whatever was known of it before.
    const seen = accepted.map((one) =>
      connected || one.here || !inReach(one.link) ? one : { ...one, link: "offline" as const, linkSince: null },
    );
    announce(cli, seen);
    const rule = limit !== undefined ? "final" : connected ? "reachable" : "none";
    const ending = await follower.wait(accepted, rule, cli.timeLeft);
    const exit = reportEnd(cli, follower, ending);
    return (!connected || ending === "noBroker") && exit === EXIT.notDelivered ? EXIT.noDaemon : exit;
  } finally {
    await follower.close();
  }
}
