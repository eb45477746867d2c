import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * Draws how cost grows, from rows of `npm run bench -- --json`: CPU for a command with what is in flight, and for a node of a fan-out
 * with the number of nodes.
 *
 *   node bench/plot.mjs rows.jsonl [docs/performance.svg]
 */
const [rowsFile, to = fileURLToPath(new URL("../docs/performance.svg", import.meta.url))] = process.argv.slice(2);
if (rowsFile === undefined)
  throw new Error("node bench/plot.mjs ROWS [SVG]: ROWS is what `npm run bench -- --json` printed");
const rows = readFileSync(rowsFile, "utf8")
  .split("\n")
  .filter((line) => line.startsWith('{"bench"'))
  .map((line) => JSON.parse(line));

const WIDTH = 420;
const HEIGHT = 260;
const MARGIN = { left: 62, top: 34, right: 26, bottom: 44 };
const COLOURS = ["#1b6ca8", "#c2571a", "#4a8b3b", "#7a7a7a"];

const trips = rows.filter(({ bench, bytes }) => bench === "round-trips" && bytes === 200);
const fans = rows.filter(({ bench }) => bench === "fan-out");
const panels = [
  panel("CPU for a command, µs", "in flight", [
    series("central", trips, "inFlight", ({ cpuUs }) => cpuUs.central),
    series("edge", trips, "inFlight", ({ cpuUs }) => cpuUs.edge),
    series("broker", trips, "inFlight", ({ cpuUs }) => cpuUs.broker),
    series("bare client", trips, "inFlight", ({ cpuUs }) => cpuUs.bare),
  ]),
  panel("CPU of central for a node of a fan-out, µs", "nodes", [
    series("first round", fans, "nodes", ({ cpuUs }) => cpuUs.first),
    series("last round", fans, "nodes", ({ cpuUs }) => cpuUs.last),
    series("bare client", fans, "nodes", ({ cpuUs }) => cpuUs.bare),
  ]),
];
writeFileSync(
  to,
  `<svg xmlns="http://www.w3.org/2000/svg" width="${2 * WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#ffffff"/>
${panels.map((inner, i) => `<g transform="translate(${i * WIDTH} 0)">${inner}</g>`).join("\n")}
</svg>
`,
);

function series(name, from, x, y) {
  return { name, points: from.map((row) => [row[x], y(row)]).filter(([, value]) => value > 0) };
}

/** Both axes are logarithmic: a cost that does not grow is a level line. */
function panel(title, xTitle, all) {
  const drawn = all.filter(({ points }) => points.length > 0);
  if (drawn.length === 0) return `<text x="${MARGIN.left}" y="${HEIGHT / 2}">${title}: not measured</text>`;
  const [xs, ys] = [0, 1].map((axis) => drawn.flatMap(({ points }) => points.map((point) => point[axis])));
  const x = scale(decades(xs), MARGIN.left, WIDTH - MARGIN.right);
  const y = scale(decades(ys), HEIGHT - MARGIN.bottom, MARGIN.top + 12);
  const parts = [`<text x="${MARGIN.left}" y="18" font-weight="bold">${title}</text>`];
  for (const tick of x.ticks)
    parts.push(
      `<line x1="${x.at(tick)}" y1="${MARGIN.top}" x2="${x.at(tick)}" y2="${HEIGHT - MARGIN.bottom}" stroke="#dddddd"/>`,
      `<text x="${x.at(tick)}" y="${HEIGHT - MARGIN.bottom + 16}" text-anchor="middle">${tick.toLocaleString("en")}</text>`,
    );
  for (const tick of y.ticks)
    parts.push(
      `<line x1="${MARGIN.left}" y1="${y.at(tick)}" x2="${WIDTH - MARGIN.right}" y2="${y.at(tick)}" stroke="#dddddd"/>`,
      `<text x="${MARGIN.left - 6}" y="${y.at(tick) + 4}" text-anchor="end">${tick.toLocaleString("en")}</text>`,
    );
  parts.push(`<text x="${(MARGIN.left + WIDTH) / 2}" y="${HEIGHT - 8}" text-anchor="middle">${xTitle}</text>`);
  drawn.forEach(({ name, points }, i) => {
    const line = points.map(([px, py]) => `${x.at(px).toFixed(1)},${y.at(py).toFixed(1)}`).join(" ");
    parts.push(
      `<polyline points="${line}" fill="none" stroke="${COLOURS[i]}" stroke-width="2"/>`,
      ...points.map(
        ([px, py]) => `<circle cx="${x.at(px).toFixed(1)}" cy="${y.at(py).toFixed(1)}" r="3" fill="${COLOURS[i]}"/>`,
      ),
      `<text x="${WIDTH - MARGIN.right - 4}" y="${MARGIN.top + 14 + 15 * i}" text-anchor="end" fill="${COLOURS[i]}">${name}</text>`,
    );
  });
  return parts.join("\n");
}

function decades(values) {
  const [from, to] = [Math.min(...values), Math.max(...values)].map(Math.log10);
  return [Math.floor(from), Math.max(Math.ceil(to), Math.floor(from) + 1)];
}

function scale([from, to], start, end) {
  return {
    ticks: Array.from({ length: to - from + 1 }, (_, i) => 10 ** (from + i)),
    at: (value) => start + ((Math.log10(value) - from) / (to - from)) * (end - start),
  };
}
