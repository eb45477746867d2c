import { formatDuration, formatSize } from "../../message/text/units.ts";
import { LATE_AFTER, LINK_PROFILES, linkProfile, OFFLINE_AFTER } from "../link-profiles.ts";
import { kindOf, type Place, placesIn } from "../schema/schema-tree.ts";
import { schema } from "../schema/settings.ts";
import { presetText } from "./yaml.ts";

const INTRODUCTION = `# Configuration: \`steward.yaml\`

<!-- Generated from src/config/schema/settings.ts. -->

One file per daemon. \`steward init\` writes one to begin with, \`steward config check\` names every fault with its line and
what would be right, \`steward config reference\` prints all settings as a commented file, and \`steward config schema\` (or
[steward.schema.json](steward.schema.json)) makes editors complete and check while you type:

\`\`\`yaml
# yaml-language-server: $schema=./docs/steward.schema.json
\`\`\`

- Durations: \`500ms\`, \`10s\`, \`5m\`, \`2h\`, \`7d\`, \`1h30m\`. Sizes: \`512B\`, \`64KB\`, \`10MB\`, \`1GB\`, in units of 1024. Both need their unit.
- Relative paths start at the directory of the file. \`~\` is not expanded.
- \`broker.user\`, \`broker.password\` and \`broker.token\` take environment variables: \`\${NAME}\`. One that is not set, or empty, is a fault.
- Unknown keys are faults, and so are keys that are written twice. \`true\` and \`false\` are written without quotes.
- A top-level section or list with nothing under it counts as not written.
- **Reload.** \`SIGHUP\`, or a change of the file, checks it, shows the difference and applies it; a bad file changes nothing.
  "live" below is applied at once, "process" restarts the processes that it touches and no other, "restart" waits for a restart of the daemon.

The least an edge node needs:

\`\`\`yaml
node: ship1
broker:
  servers: [nats://central.example.org:4222]
data: ./var/ship1
subscribe:
  - subject: command.shellcommand.operatingsystem
\`\`\`
`;

/** docs/config.md. */
export function referenceMarkdown(): string {
  const places = placesIn(schema);
  const top = `## Settings\n\n${table(places)}`;
  return [INTRODUCTION, top, ...sections(places), links()].join("\n");
}

function sections(places: readonly Place[]): string[] {
  return places.flatMap((place) => {
    if (place.inside.length === 0) return [];
    const title = `### ${place.path}${place.form === "entries" ? "[]" : ""}`;
    return [`${title}\n\n${place.about.description}\n\n${table(place.inside)}`, ...sections(place.inside)];
  });
}

function table(places: readonly Place[]): string {
  const rows = places.map((place) => {
    const expects = kindOf(place.schema)?.expects ?? "";
    const preset = place.required ? "**required**" : cell(presetText(place) ?? "");
    return `| \`${place.key}\` | ${cell(expects)} | ${preset} | ${place.applies} | ${cell(place.about.description)} |`;
  });
  return `| key | expects | default | reload | meaning |\n|---|---|---|---|---|\n${rows.join("\n")}\n`;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<", "&lt;").replaceAll("*", "\\*");
}

function links(): string {
  const rows = Object.keys(LINK_PROFILES).map((name) => {
    const link = linkProfile(name as keyof typeof LINK_PROFILES);
    const compress = link.compressFrom === null ? "never" : `from ${formatSize(link.compressFrom)}`;
    const times = [link.hello, link.late, link.offline, link.ping, link.ackTimeout].map(formatDuration);
    const bytes = [formatSize(link.frameBytes), formatSize(link.windowBytes)];
    return `| ${[name, ...times, ...bytes, String(link.framesInFlight), compress].join(" | ")} |`;
  });
  return `## Links

What \`link:\` sets. \`hello:\` changes the interval of the hellos and with it when a node is late (${LATE_AFTER} hellos without any
evidence of life; ${LINK_PROFILES.satellite.lateAfter} on \`satellite\`) and offline (${OFFLINE_AFTER}; ${LINK_PROFILES.satellite.offlineAfter} on \`satellite\`). Frame, window, ACK and compression are those of the
slower link of the two nodes: central sends to a satellite node as a satellite node sends.

| link | hello | late | offline | ping | ACK awaited | frame | window | frames in flight | compressed |
|---|---|---|---|---|---|---|---|---|---|
${rows.join("\n")}
`;
}
