import { faultText } from "../../../message/errors.ts";
import type { RunningSource, Source } from "../../define.ts";
import { Losses } from "../losses.ts";
import type { LogRecord } from "../record.ts";
import { formatAddress, isLoopback, parseAddress } from "./address.ts";
import { Batcher } from "./batch.ts";
import type { Listener } from "./listen.ts";
import { listenTcp } from "./listen-tcp.ts";
import { listenUdp } from "./listen-udp.ts";
import { Sender } from "./sender.ts";

/**
 * Listens for syslog and hands every message over as a line of an event. Lines that are not durable yet are held in memory,
 * up to a bound: beyond this bound TCP waits, and UDP drops and counts.
 */
const UDP_QUEUE = 16 * 1024 * 1024;
const TCP_QUEUE = 1024 * 1024;
const STOP_GRACE = 5_000;

export const syslogSource: Source = {
  check: (setting) => void parseAddress(setting),

  async start(setting, context): Promise<RunningSource> {
    const wanted = parseAddress(setting);
    const { clock, log } = context;
    const udp = wanted.protocol === "udp";
    const bound = udp ? UDP_QUEUE : TCP_QUEUE;
    const losses = new Losses(context);
    let listener: Listener | undefined;

    const batcher = new Batcher({
      clock,
      emit: (lines) => context.emit({ lines }),
      drained: () => {
        if (batcher.held < bound / 2) listener?.resume();
      },
      failed: (error, lost) => {
        losses.add("not-durable", lost);
        context.fail(error instanceof Error ? error : new Error(faultText(error)));
      },
    });
    const push = (record: LogRecord): void => {
      if (!batcher.push(record)) losses.add("not-durable", 1);
    };

    listener = await (udp ? listenUdp : listenTcp)({
      address: wanted,
      sender: (peer) => new Sender(peer, { context, losses, push }),
      lineBytes: () => context.lineBytes(),
      full: () => batcher.held >= bound,
      fail: (error) => context.fail(error),
      losses,
      clock,
      log,
    });
    const address = formatAddress(listener.address);
    if (isLoopback(wanted.host)) log.info({ address }, `listens for syslog at ${address}`);
    else
      log.warn(
        { address },
        `listens for syslog at ${address}, beyond this machine: anyone who reaches it can write lines`,
      );

    const stop = async (): Promise<void> => {
      await listener?.close();
      losses.add("not-durable", await batcher.close(STOP_GRACE));
      losses.close();
    };
    let stopped: Promise<void> | undefined;
    return {
      address,
      stop: () => {
        stopped ??= stop();
        return stopped;
      },
    };
  },
};
