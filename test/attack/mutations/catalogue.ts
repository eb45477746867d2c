/**
 * The check of the attacks: ways to leave a check out, each a small change of the real sources, with the test that must then
 * fail. The text to be replaced stands in its file exactly once.
 */
export interface Mutation {
  readonly name: string;
  readonly breaks: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** The file of the test, in `test/`, and words of its title. */
  readonly test: readonly [string, string];
}

const HOSTILE = "attack/hostile-broker.test.ts";
const STOLEN = "attack/stolen-node.test.ts";
const LOGINS = "broker/logins.test.ts";

export const MUTATIONS: readonly Mutation[] = [
  {
    name: "any-challenge-signed",
    breaks: "a login signs whatever the broker asks it to sign",
    file: "src/broker/nats-dial.ts",
    find: "const CHALLENGE = /^[A-Za-z0-9_+/=-]{1,64}$/;",
    replace: "const CHALLENGE = /^[^]*$/;",
    test: ["broker/logging-in.test.ts", "signs challenges alone, not a list of trust"],
  },
  {
    name: "inbox-of-everybody",
    breaks: "a node may hear the answers to another one",
    file: "src/broker/logins.ts",
    find: `subscribe: [\`\${node}.>\`, \`\${INBOX}\${node}.>\`],`,
    replace: `subscribe: [\`\${node}.>\`, \`\${INBOX}>\`],`,
    test: [LOGINS, "neither read the traffic of another one"],
  },
  {
    name: "answers-for-everybody",
    breaks: "a node may answer for another one",
    file: "src/broker/logins.ts",
    find: `\`\${INBOX}\${other}.*.\${node}.>\`])`,
    replace: `\`\${INBOX}\${other}.>\`])`,
    test: [LOGINS, "in the name of another one"],
  },
  {
    name: "lanes-of-everybody",
    breaks: "a node may write to nodes that are not its peers",
    file: "src/broker/logins.ts",
    find: `[\`\${other}.command.>\`,`,
    replace: '["*.command.>",',
    test: [LOGINS, "in the name of another one"],
  },
  {
    name: "newcomers-read-along",
    breaks: "a connection without credentials hears what passes",
    file: "src/broker/logins.ts",
    find: `subscribe: [\`\${INBOX}\${name}.>\`] };`,
    replace: 'subscribe: [">"] };',
    test: [LOGINS, "without credentials"],
  },
  {
    name: "logins-of-the-start",
    breaks: "the broker never hears that a node was accepted or revoked",
    file: "src/broker/embedded.ts",
    find: "if (next === written || stopping) return;",
    replace: "if (next === written || stopping || written !== '') return;",
    test: [LOGINS, "end the connection of a node that is revoked"],
  },
  {
    name: "answers-to-lanes",
    breaks: "an answer goes wherever the sender of the frame wants it",
    file: "src/broker/link.ts",
    find: "return reply === undefined || isInbox(reply) || !isSubject(reply) ? packet : rest;",
    replace: "return reply === 'never' ? rest : packet;",
    test: [HOSTILE, "no node writes to a lane in its name"],
  },
  {
    name: "not-sealed",
    breaks: "packets travel in the clear and are believed",
    file: "src/runtime/daemon/sealing.ts",
    find: 'import { SealedEnvelope } from "../../security/seal/sealed-envelope.ts";',
    replace: 'import { ClearEnvelope as SealedEnvelope } from "../../security/seal/clear-envelope.ts";',
    test: [HOSTILE, "reads neither a command nor its output"],
  },
  {
    name: "clear-believed",
    breaks: "a sealed node takes packets in the clear",
    file: "src/runtime/daemon/sealing.ts",
    find: 'import { SealedEnvelope } from "../../security/seal/sealed-envelope.ts";',
    replace: 'import { ClearEnvelope as SealedEnvelope } from "../../security/seal/clear-envelope.ts";',
    test: [HOSTILE, "speaks in the clear"],
  },
  {
    name: "taken-again",
    breaks: "a packet is opened as often as it comes",
    file: "src/security/seal/sealed-envelope.ts",
    find: 'if (source === "retired" || !source.window.isNew(header.counter))',
    replace: 'if (source === "retired")',
    test: [HOSTILE, "replays all that it has recorded"],
  },
  {
    name: "any-life",
    breaks: "a packet for an earlier life of the daemon is taken",
    file: "src/security/seal/sealed-envelope.ts",
    find: "if (header.receiverSalt !== this.#sessions.salt)",
    replace: "if (header.receiverSalt === 'never')",
    test: [HOSTILE, "replays all that it has recorded"],
  },
  {
    name: "subject-unbound",
    breaks: "a packet is good for another subject than its own",
    file: "src/security/seal/cipher.ts",
    find: `\`\${subject}\\0\${from}\\0\${to}\``,
    replace: `\`\${from}\\0\${to}\``,
    test: [HOSTILE, "carries a packet to another node"],
  },
  {
    name: "tag-unread",
    breaks: "a packet that was changed on its way is read",
    file: "src/security/seal/cipher.ts",
    find: "return undefined;",
    replace: "return body;",
    test: [HOSTILE, "changes any byte of a frame"],
  },
  {
    name: "any-origin",
    breaks: "whoever seals a packet may write any origin into it",
    file: "src/security/seal/sealed-envelope.ts",
    find: "if (origin !== from) throw",
    replace: "if (origin === undefined) throw",
    test: [STOLEN, "nobody else is played"],
  },
  {
    name: "revoked-believed",
    breaks: "a revoked node is opened as before",
    file: "src/security/seal/sealed-envelope.ts",
    find: 'if (peer.standing !== "accepted")',
    replace: "if (peer.standing === undefined)",
    test: [STOLEN, "revoked while it was away"],
  },
  {
    name: "hard-links-taken",
    breaks: "a second name of a file elsewhere is read as a message file",
    file: "src/intake/file-taker.ts",
    find: "if (file.isLinked) {",
    replace: "if (file.isLinked === undefined) {",
    test: ["attack/poisoned-folder.test.ts", "a second name of a file elsewhere"],
  },
  {
    name: "socket-for-all",
    breaks: "every user of the machine reaches the daemon's socket",
    file: "src/api/socket.ts",
    find: 'access === "group" ? 0o117 : 0o177',
    replace: "0o000",
    test: ["attack/local-user.test.ts", "a user without rights"],
  },
  {
    name: "broker-file-for-all",
    breaks: "every user of the machine reads the passwords in the broker's configuration",
    file: "src/platform/durable-file.ts",
    find: 'const file = openSync(made, "wx", 0o600);',
    replace: 'const mask = process.umask(0); const file = openSync(made, "wx", 0o644); process.umask(mask);',
    test: ["attack/local-user.test.ts", "a user without rights"],
  },
];
