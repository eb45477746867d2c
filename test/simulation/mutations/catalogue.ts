import type { Fault } from "../script.ts";
import { JOB_MUTATIONS } from "./jobs.ts";

/**
 * The check of the checker: ways to break a promise, each a small change of the real sources. What is to be replaced must
 * stand in its file exactly once: whoever changes that place is told, and finds the new place for the same fault.
 */
export interface Mutation {
  readonly name: string;
  /** What it breaks, and how it would go unnoticed. */
  readonly breaks: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** Those under which it shows; absent: those of the suite. */
  readonly faults?: readonly Fault[];
  /** Beside central, where two are too few. */
  readonly nodes?: number;
}

export const MUTATIONS: readonly Mutation[] = [
  {
    name: "policy-waived",
    breaks: "what plain publishers send is spared all of the policy, and not their name alone",
    file: "src/security/policy/layer.ts",
    find: "if (!isOwn && !isFrom(line, origin, operator)) {",
    replace:
      "if (origin === PLAIN_PUBLISHER && line.plain) return line.by;\n      if (!isOwn && !isFrom(line, origin, operator)) {",
    faults: ["trespass", "slow"],
  },
  {
    name: "own-messages-waived",
    breaks: "what a node sends to itself is held to no policy",
    file: "src/security/policy/permission.ts",
    find: 'let by = "";',
    replace: 'let by = "";\n    if (subject.split(".")[0] === origin) return by;',
    faults: ["trespass", "slow"],
  },
  {
    name: "door-of-the-lanes-open",
    breaks: "the policy judges plain publishers alone: what comes by a lane passes all of its doors",
    file: "src/security/policy/permission.ts",
    find: 'let by = "";',
    replace: 'let by = "";\n    if (origin !== PLAIN_PUBLISHER) return by;',
    faults: ["trespass", "slow"],
  },
  {
    name: "deadline-at-the-start-unheeded",
    breaks: "what waits on its node, or for its disk, is begun after its deadline",
    file: "src/runtime/receive/judge.ts",
    find: "deadline: bound ? at + remaining : null",
    replace: "deadline: bound ? null : null",
    faults: ["frozen", "expiry", "slow"],
  },
  {
    name: "end-told-without-a-look",
    breaks: "after a crash a command is told as interrupted before it was asked what its program does",
    file: "src/runtime/execute/subscriber.ts",
    find: "        handler.adopt?.(context) ??\n",
    replace: "",
    faults: ["crash", "slow"],
  },
  {
    name: "turn-lost-in-a-crash",
    breaks: "a program that had its turn and did not begin before a crash goes behind those that were taken after it",
    file: "src/runtime/execute/unvouched.ts",
    find: "waiting.splice(later < 0 ? waiting.length : later, 0, { record, go });",
    replace: "waiting.push({ record, go: later < 0 ? go : go });",
    faults: ["crash", "slow"],
  },
  {
    name: "time-under-way-uncounted",
    breaks: "what a link or a stopped process holds is begun after its deadline",
    file: "src/runtime/receive/judge.ts",
    find: "item.deliverBy - frame.sentAt - underWay",
    replace: "item.deliverBy - frame.sentAt - 0 * underWay",
    faults: ["frozen", "expiry", "slow"],
  },
  {
    name: "ack-before-sync",
    breaks: "the receiver acknowledges what a power cut can still take from it",
    file: "src/runtime/receive/receiver.ts",
    find: `    journal.onceFlushed(
      () => {
        this.#unflushed--;
        try {
          this.#answer.acknowledge(packet, place, accepted);`,
    replace: `    this.#answer.acknowledge(packet, place, accepted);
    journal.onceFlushed(
      () => {
        this.#unflushed--;
        try {`,
    faults: ["torn"],
  },
  {
    name: "id-before-sync",
    breaks: "an id is printed before its message is durable",
    file: "src/runtime/operate/submission.ts",
    find: "      await storage.durable();\n    } catch (error) {",
    replace: "      void storage;\n    } catch (error) {",
    faults: ["crash", "slow", "torn"],
  },
  {
    name: "sent-before-sync",
    breaks: "a frame is on the wire before its numbers are durable: after a crash they are given again",
    file: "src/runtime/deliver/publisher.ts",
    find: `    this.#parts.journal.onceFlushed(
      () => this.#publish(frame, records, again),`,
    replace: `    this.#publish(frame, records, again);
    this.#parts.journal.onceFlushed(
      () => undefined,`,
    faults: ["crash", "slow", "torn"],
  },
  {
    name: "no-sequence-check",
    breaks: "a frame that comes twice is taken twice",
    file: "src/journal/inbox.ts",
    find: "const from = Math.max(first, last + 1);",
    replace: "const from = first;",
    faults: ["loss", "duplicate", "reorder", "halfopen"],
  },
  {
    name: "gap-is-taken",
    breaks: "what comes after a lost frame is taken, and the lost one counts as taken",
    file: "src/journal/inbox.ts",
    find: `    if (first > lane.last + 1 && acked <= lane.last)
      return { frame, subject, lane, newEpoch, duplicates: 0, kind: "gap", expected: lane.last + 1 };`,
    replace: "lane.last = Math.max(lane.last, first - 1);",
    faults: ["loss", "duplicate", "reorder", "halfopen"],
  },
  {
    name: "one-ack-for-all",
    breaks: "one ACK satisfies every message in flight",
    file: "src/journal/outbox.ts",
    find: "const last = Math.min(ack.last, lane.sent);",
    replace: "const last = lane.sent;",
    faults: ["loss", "duplicate", "reorder", "halfopen"],
  },
  {
    name: "outcome-in-two-transactions",
    breaks: "a command is done on its node before the event that tells so is durable",
    file: "src/runtime/execute/respond.ts",
    find: "    this.#send(record, last === undefined ? rest : { ...rest, output: last });",
    replace: "    setImmediate(() => this.#send(record, last === undefined ? rest : { ...rest, output: last }));",
    faults: ["crash", "slow", "torn"],
  },
  {
    name: "checkpoint-in-two-transactions",
    breaks: "events are finished before it is durable where their sink stands",
    file: "src/runtime/execute/respond.ts",
    find: "if (checkpoint !== undefined) this.#options.journal.setCheckpoint(checkpoint);",
    replace: "if (checkpoint !== undefined) setImmediate(() => this.#options.journal.setCheckpoint(checkpoint));",
    faults: ["crash", "slow", "torn"],
  },
  {
    name: "running-after-begin",
    breaks: "side effects begin before it is durable that they may have",
    file: "src/runtime/execute/subscriber.ts",
    find: "        await journal.flushed();",
    replace: "        journal.flushed().catch(() => undefined);",
    faults: ["crash", "slow", "torn"],
  },
  {
    name: "run-again-after-crash",
    breaks: "a command that a crash cut short is begun again, whatever its method says",
    file: "src/runtime/execute/subscriber.ts",
    find: "(handler.idempotent === true ? this.#admittedAgain(record)?.run(context) : undefined)",
    replace: "this.#admittedAgain(record)?.run(context)",
    faults: ["crash", "slow", "torn"],
  },
  {
    name: "no-proof-is-taken-for-one",
    breaks: "a command of which nothing is recorded but that it may have begun is begun again",
    file: "src/runtime/execute/subscriber.ts",
    find: "if (end === undefined) return interrupted(record, clock.now());",
    replace: 'if (end === undefined) return { state: "notBegun" };',
    faults: ["crash", "slow", "torn"],
  },
  {
    name: "pending-lost-at-restart",
    breaks: "a restart forgets what was taken and not finished",
    file: "src/runtime/execute/subscriber.ts",
    find: "this.#enqueue([...left.filter(isUrgent), ...left.filter((record) => !isUrgent(record))], undefined);",
    replace: "void left;",
    faults: ["crash", "slow", "torn"],
  },
  {
    name: "order-broken",
    breaks: "messages of one frame are handed over backwards",
    file: "src/runtime/receive/hand-over.ts",
    find: "const some = batch.records.splice(0, room);",
    replace: "const some = batch.records.splice(0, room).reverse();",
    faults: ["slow"],
  },
  {
    name: "dropped-in-silence",
    breaks: "a message that fails its process three times leaves no dead letter",
    file: "src/journal/inbox.ts",
    find: `    this.#dead.add(dead);`,
    replace: "",
    faults: ["poison"],
  },
  {
    name: "withdrawn-after-sending",
    breaks: "the origin ends what is on the wire, and a second, different final state comes from the node",
    file: "src/journal/outbox.ts",
    find: "if (found === undefined || found.message.seq <= found.lane.sent) return undefined;",
    replace: "if (found === undefined) return undefined;",
    faults: ["cancel", "expiry", "delay"],
  },
  {
    name: "silence-unseen",
    breaks: "a node that is gone is shown as there for ten minutes",
    file: "src/config/link-profiles.ts",
    find: "export const OFFLINE_AFTER = 6;",
    replace: "export const OFFLINE_AFTER = 60;",
    faults: ["partition", "halfopen", "oneway"],
  },
  {
    name: "loss-untold",
    breaks: "a node that lost its disk does not say which commands it knows nothing of",
    file: "src/runtime/resync/compare-answer.ts",
    find: `if (outcome === "lost" || outcome === "gone") lost.push(id);`,
    replace: `if (outcome === "lost" || outcome === "gone") continue;`,
    faults: ["disk", "crash", "loss"],
  },
  {
    name: "earlier-journal-ignored",
    breaks: "what a lost disk may have begun is begun again on the next one",
    file: "src/runtime/resync/may-have-run.ts",
    find: "const sentToOther = seq <= sentBefore && (renewed || receiverEpoch !== epoch);",
    replace: "const sentToOther = seq <= sentBefore && renewed;",
    faults: ["disk", "crash", "loss"],
  },
  {
    name: "copy-undoubted",
    breaks: "what a copy of a journal holds unfinished is begun, though it may have run since",
    file: "src/journal/journal.ts",
    find: "      inbox.doubt();\n",
    replace: "",
    faults: ["restore", "partition", "oneway"],
  },
  {
    name: "behind-unseen",
    breaks: "an origin that was put back takes numbers for its own that it gave to other messages",
    file: "src/journal/outbox.ts",
    find: "return ack.wentBack === true || ack.last > Math.max(lane?.sent ?? 0, lane?.reached ?? 0);",
    replace: "return ack.wentBack === true && lane === undefined;",
    faults: ["restore", "crash"],
  },
  {
    name: "no-word-asked",
    breaks: "a node that was put back in place begins what it holds without asking who knows more",
    file: "src/runtime/resync/vouch-ask.ts",
    find: "return this.#open.get(origin)?.ids.has(id) ?? false;",
    replace: "return this.#open.get(origin)?.ids.has(this.life) ?? false;",
    faults: ["restore", "crash"],
  },
  {
    name: "word-unheeded",
    breaks: "a node that was put back in place asks, and goes on whatever it is told",
    file: "src/runtime/resync/vouch-ask.ts",
    find: "const proof = contradiction(journal, origin, word);",
    replace: "const proof = word.ids.length < 0 ? contradiction(journal, origin, word) : undefined;",
    faults: ["restore", "crash"],
  },
  {
    name: "false-alarm",
    breaks: "all that came from a node which was put back is said to be forgotten, whatever its journal has",
    file: "src/runtime/resync/journal-losses.ts",
    find: "forgottenOf(lane, given.get(lane.subject) ?? 0)",
    replace: "forgottenOf(lane, 0 * given.size)",
    faults: ["restore", "partition"],
  },
  {
    name: "tag-unchecked",
    breaks: "a packet that was changed on its way is opened and read all the same",
    file: "src/security/seal/cipher.ts",
    find: `  } catch {
    return undefined;
  }`,
    replace: `  } catch {
    return body;
  }`,
    faults: ["hostile", "corrupt"],
  },
  {
    name: "session-unbound",
    breaks: "a packet of an earlier life of its receiver is taken again in a later one",
    file: "src/security/seal/sealed-envelope.ts",
    find: "if (header.receiverSalt !== this.#sessions.salt)",
    replace: 'if (header.receiverSalt === "")',
    faults: ["hostile", "restart", "crash"],
  },
  {
    name: "replay-window-open",
    breaks: "a packet is taken as often as it comes",
    file: "src/security/seal/replay-window.ts",
    find: "    if (number > this.#highest) return true;",
    replace: "    if (number >= 0) return true;",
    faults: ["hostile", "duplicate"],
  },
  {
    name: "downgrade",
    breaks: "a packet in the clear is taken by a node that asks for sealed ones",
    file: "src/security/seal/sealed-envelope.ts",
    find: 'throw new StewardError("clear-refused", { subject });',
    replace:
      'return { kind: "frame", from: "", frame: readFrame(subject, unpackBody(subject, payload.subarray(4), payload[3] ?? 0, FRAME_LIMITS)) };',
    faults: ["hostile"],
  },
  {
    name: "hint-obeyed",
    breaks: "a refusal that anybody can have written counts as one of the receiver",
    file: "src/security/seal/sealed-envelope.ts",
    find: 'return { kind: "hint", refusal: decodeRefusal(subject, payload) };',
    replace: 'return { kind: "refusal", from: "", refusal: decodeRefusal(subject, payload) };',
    faults: ["hostile"],
  },
  ...JOB_MUTATIONS,
];
