import { z } from "zod";
import type { Login } from "../../../broker/logins.ts";
import { bodyOf, type Entries, json } from "./entry.ts";
import { count, labels, name, opt, type Same, type Shown, same, text, thing, time, within } from "./shape.ts";

const verb = z.enum(["accept", "reject", "revoke", "decommission", "rekey"]);

const byDecision = { name, verb };

const MOST_INVITED = 1_000;

const invitationOrder = z.strictObject({
  nodes: z
    .array(
      z.strictObject({
        node: name,
        labels: opt(labels),
        replace: opt(z.boolean().describe("The machine takes the place of an enrolled one, whose keys are revoked")),
      }),
    )
    .min(1)
    .max(MOST_INVITED),
  lasts: opt(within(1_000, 366 * 86_400_000).describe("Milliseconds until the tokens expire; absent: a day")),
  addresses: opt(
    z.array(z.string().min(1).max(255)).max(8).describe("Addresses of the broker as the machines reach it"),
  ),
});

const choice = z.strictObject({
  fingerprint: opt(z.string().max(64).describe("Only the machine with this fingerprint")),
  replace: opt(z.boolean().describe("The machine takes the place of an enrolled one, whose keys are revoked")),
  now: opt(z.boolean().describe("Do not wait for nodes that have not confirmed the new keys of central")),
});

const invitation = thing({
  node: text,
  madeAt: time,
  expiresAt: time,
  by: text,
  spentAt: opt(time.describe("When it was used; it is kept so that a second machine with its token is told")),
  fingerprint: opt(text.describe("The machine that used it")),
});

const trustedNode = thing({
  node: text,
  standing: z.enum(["accepted", "pending", "revoked"]),
  fingerprint: text,
  keys: text.describe("Its newest public keys, U….X…"),
  since: time.nullable(),
  by: opt(text),
  labels: opt(labels),
  changing: opt(z.literal(true).describe("It changes its keys: the ones before are still accepted")),
  unconfirmed: opt(z.literal(true).describe("It has not confirmed its newest trust list")),
});

const trustView = thing({
  node: text,
  asOf: time,
  security: z.enum(["sealed", "off"]),
  fingerprint: opt(text.describe("Of this node; absent where nothing is sealed")),
  keys: opt(text.describe("Public keys of this node, U….X…; of central: what an edge names under centralKey")),
  central: text,
  centralFingerprint: opt(text),
  standing: z
    .enum(["central", "alone", "pending", "refused", "enrolled"])
    .describe("alone: nobody has let this node in yet"),
  version: count.describe("Of the registry, or of the newest trust list; 0: there is none"),
  nodes: z.array(trustedNode),
  invitations: z.array(invitation),
});

const invited = thing({ node: text, token: text, expiresAt: time });

const decision = thing({
  node: text,
  verb,
  fingerprint: opt(text),
  told: z.array(text).describe("Nodes that are told, now or when they are back"),
  withdrawn: opt(count.describe("Messages for it that had not been sent: cancelled")),
  interrupted: opt(count.describe("Messages that it may have had: whether they ran cannot be known")),
  waitsFor: opt(z.array(text).describe("Nodes that have not confirmed the new keys of central")),
});

const brokerLogin = z.discriminatedUnion("kind", [
  thing({ kind: z.literal("node"), node: text, key: text, peers: z.array(text) }),
  thing({ kind: z.literal("invitation"), name: text, key: text }),
]);

/** Machines that are let in, and their logins at the broker. */
export const TRUST = {
  trust: {
    summary: "Who is trusted: at central the registry, on an edge what central told it",
    needs: "viewer",
    answer: json("Keys, nodes, invitations", trustView),
    failures: [503],
  },
  invite: {
    summary: "Make a token for each of some machines, all or none; at central only",
    needs: "admin",
    body: bodyOf(invitationOrder),
    answer: json("A token each, shown this once", invited.array(), { status: 201 }),
    failures: [403, 404, 409, 413, 415, 422, 503],
  },
  decide: {
    summary: "Accept, reject, revoke or decommission a node, or have it change its keys; at central only",
    needs: "admin",
    params: byDecision,
    body: bodyOf(choice),
    answer: json("What was done", decision),
    failures: [403, 404, 409, 413, 415, 422, 503],
  },
  brokerLogins: {
    summary: "The logins of the broker: accepted nodes and open invitations; none where nodes have no keys",
    needs: "viewer",
    answer: json("Logins, by their public keys", brokerLogin.array()),
  },
} as const satisfies Entries;

export type TrustView = Shown<typeof trustView>;
export type InvitationOrder = Shown<typeof invitationOrder>;
export type Invited = Shown<typeof invited>;
export type Choice = Shown<typeof choice>;
export type Decision = Shown<typeof decision>;
export type BrokerLogin = Shown<typeof brokerLogin>;

same<[Same<typeof brokerLogin, Login>]>();
