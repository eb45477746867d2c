import type { TrustView } from "../../../runtime/operate/table/trust.ts";
import type { Paint } from "../paint.ts";
import { pairs, table } from "../table.ts";
import { visible } from "../text.ts";
import type { Times } from "../time.ts";

type Trusted = TrustView["nodes"][number];

const STANDINGS: Readonly<Record<TrustView["standing"], string>> = {
  central: "the management station",
  alone: "not enrolled: nobody has let this node in",
  pending: "waits to be accepted",
  refused: "refused by the management station",
  enrolled: "enrolled",
};

export function trustLines(view: TrustView, times: Times, paint: Paint, columns?: number): string[] {
  if (view.security === "off") return ["security is off: this node obeys whoever can publish at the broker"];
  const isCentral = view.standing === "central";
  const head = pairs([
    ["node", `${visible(view.node)}, ${STANDINGS[view.standing]}`],
    ["fingerprint", view.fingerprint],
    ["keys", view.keys],
    [
      "management station",
      isCentral ? undefined : `${visible(view.central)}  ${view.centralFingerprint ?? "no key is pinned"}`,
    ],
    [isCentral ? "registry" : "trust list", view.version === 0 ? "none" : `version ${view.version}`],
  ]);
  const nodes = table(
    view.nodes,
    [
      { title: "NODE", cell: ({ node }) => visible(node) },
      { title: "STANDING", cell: (one) => standing(one, paint) },
      { title: "FINGERPRINT", cell: ({ fingerprint }) => fingerprint },
      { title: "SINCE", cell: ({ since }) => times.since(since) },
      { title: "BY", cell: ({ by }) => visible(by ?? "-") },
      {
        title: "LABELS",
        cell: ({ labels = {} }) =>
          Object.entries(labels)
            .map(([key, value]) => `${key}=${value}`)
            .join(" "),
      },
      {
        title: "NOTES",
        cell: (one) =>
          notes(one)
            .map((note) => paint("yellow", `! ${note}`))
            .join(", "),
      },
    ],
    columns,
  );
  const open = view.invitations.filter(({ spentAt, expiresAt }) => spentAt === undefined && expiresAt > view.asOf);
  const invitations = table(
    open,
    [
      { title: "INVITED", cell: ({ node }) => visible(node) },
      { title: "EXPIRES", cell: ({ expiresAt }) => times.at(expiresAt) },
      { title: "BY", cell: ({ by }) => visible(by) },
    ],
    columns,
  );
  return [
    ...head,
    ...(view.nodes.length === 0 ? [] : ["", ...nodes]),
    ...(open.length === 0 ? [] : ["", ...invitations]),
  ];
}

function standing({ standing: of }: Trusted, paint: Paint): string {
  return paint(of === "accepted" ? "green" : of === "pending" ? "yellow" : "red", of);
}

function notes({ node, standing: of, fingerprint, changing, unconfirmed }: Trusted): string[] {
  return [
    ...(of === "pending" ? [`steward accept ${visible(node)} --fingerprint ${fingerprint}`] : []),
    ...(changing === true ? ["changes its keys"] : []),
    ...(unconfirmed === true ? ["has not confirmed its newest trust list"] : []),
  ];
}
