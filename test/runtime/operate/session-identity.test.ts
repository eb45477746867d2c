import { describe, expect, test } from "vitest";
import type { Json } from "../../../src/message/message.ts";
import { SessionIdentity } from "../../../src/runtime/operate/speak/session-identity.ts";
import { Identity, newSeeds } from "../../../src/security/keys/identity.ts";
import { OperatorDirectory, speakerOf } from "../../../src/security/operators/directory.ts";
import type { OperatorRecord } from "../../../src/security/operators/operator-record.ts";
import { type OperatorRole, OWNER, type Speaker } from "../../../src/security/operators/speaker.ts";
import { seededRandom } from "../../harness/random.ts";

const random = seededRandom(21);
const keyOf = (): string => new Identity(newSeeds(random)).keys.sign;

function scene() {
  const ann: OperatorRecord = {
    name: "ann",
    key: keyOf(),
    role: "admin",
    standing: "accepted",
    since: 1,
    by: "central",
  };
  let operators: readonly OperatorRecord[] = [ann];
  let socket: "admin" | "viewer" | "nobody" = "admin";
  const identity = new SessionIdentity({
    config: () => ({ node: "central", central: "central", operators: { socket }, socketAccess: "owner" }),
    operators: new OperatorDirectory(() => ({ operators: operators as unknown as readonly Json[] })),
  });
  const speaks = (speaker: Speaker, role: OperatorRole, kind: "page" | "token" = "token"): Speaker =>
    identity.speakerOf({ kind, role, speaker });
  return {
    ann,
    login: speakerOf(ann, "central", "signature"),
    speaks,
    change: (change: Partial<OperatorRecord>) => {
      operators = [{ ...ann, ...change }];
    },
    forget: () => {
      operators = [];
    },
    socketIs: (role: typeof socket) => {
      socket = role;
    },
  };
}

describe("a login at the page", () => {
  test("speaks as its operator is now, and never with more than its own role", () => {
    const { login, speaks, change } = scene();
    expect(speaks(login, "admin")).toMatchObject({ name: "ann@central", role: "admin", by: "token" });
    expect(speaks(login, "viewer", "page")).toMatchObject({ role: "viewer", by: "session" });
    change({ role: "operator", on: "class=tanker" });
    expect(speaks(login, "admin")).toMatchObject({ role: "operator", bounds: { on: "class=tanker" } });
  });

  test("ends when its operator was removed, is not known, or its operator has another key", () => {
    const { login, speaks, change, forget } = scene();
    change({ standing: "removed" });
    expect(() => speaks(login, "viewer")).toThrow("the operator was removed");
    change({ key: keyOf() });
    expect(() => speaks(login, "viewer")).toThrow("the operator has another key since this login was made");
    forget();
    expect(() => speaks(login, "viewer")).toThrow("the operator was removed");
  });

  test("of the users of the socket has the role that the file gives them now", () => {
    const { speaks, socketIs } = scene();
    expect(speaks(OWNER, "admin")).toMatchObject({ name: "local", role: "admin" });
    socketIs("viewer");
    expect(speaks(OWNER, "admin")).toMatchObject({ role: "viewer" });
    socketIs("nobody");
    expect(speaks(OWNER, "admin")).toMatchObject({ role: "anyone" });
  });
});
