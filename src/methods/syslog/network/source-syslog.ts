import { faultText } from "../../../message/errors.ts";
import type { RunningSource, Source, SourceContext } from "../../define.ts";
import { Losses } from "../losses.ts";
import { MAX_LINE } from "../record.ts";
import { cutAt, decode } from "../text.ts";
import { formatAddress, isLoopback, parseAddress } from "./address.ts";
import { Batcher } from "./batch.ts";
import type { Listener } from "./listen.ts";
import { listenTcp } from "./listen-tcp.ts";
import { listenUdp } from "./listen-udp.ts";
import { parseSyslog } from "./parse.ts";
import { fromUtf16 } from "./utf16.ts";

/**
 * Listens for syslog and hands every message over as a line of an event. Lines that are not durable yet are held in memory,
 * up to a bound: beyond it TCP waits and UDP drops and counts.
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
    const take = (message: Buffer, cut: number, peer: string): void =>
      takeMessage(message, cut, peer, context, batcher, losses);

    listener = await (udp ? listenUdp : listenTcp)({
      address: wanted,
      take,
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

function takeMessage(
  message: Buffer,
  cut: number,
  peer: string,
  context: SourceContext,
  batcher: Batcher,
  losses: Losses,
): void {
  const ended = trimEnd(fromUtf16(message));
  if (ended.length === 0) return;
  const begin = ended.findIndex((byte) => byte !== 0);
  losses.add("nul", begin);
  const whole = ended.subarray(begin);
  const bytes = whole.subarray(0, cutAt(whole, MAX_LINE));
  const lost = cut + whole.length - bytes.length;
  losses.add("line-cut", lost);
  const { text, replaced } = decode(bytes);
  losses.add("not-utf8", replaced);
  const now = context.clock.now();
  const parsed = parseSyslog(text, now);
  const record = lost === 0 ? parsed : { ...parsed, text: `${parsed.text} [cut: ${lost} bytes more]` };
  // As a relay does (RFC 3164, 4.3): what the sender did not say is what the receiver saw.
  const host = record.host ?? (isLoopback(peer) || peer === "" ? undefined : peer);
  const line = { ...record, time: record.time ?? new Date(now).toISOString(), ...(host === undefined ? {} : { host }) };
  if (!batcher.push(line)) losses.add("not-durable", 1);
}

/** Without the line ending that some senders put into a datagram or a counted message: LF, CR LF, NUL. */
function trimEnd(message: Buffer): Buffer {
  let end = message.length;
  while (end > 0 && (message[end - 1] === 10 || message[end - 1] === 13 || message[end - 1] === 0)) end--;
  return message.subarray(0, end);
}
