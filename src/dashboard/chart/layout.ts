import type { MachineView } from "../../runtime/operate/table/processes.ts";

type Region = MachineView["regions"][number];

/** A region as it is drawn: boxes and arrows with their places, px. */
export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly Box[];
  readonly arrows: readonly Arrow[];
}

export interface Box {
  readonly id: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly initial: boolean;
  readonly final: boolean;
}

export interface Arrow {
  readonly from: string;
  readonly to: string;
  /** One event a line. */
  readonly labels: readonly string[];
  readonly path: string;
  readonly x: number;
  readonly y: number;
}

const CHARACTER = 6.6;
const LINE = 13;

/** Lays a region out, from the machine alone; the library comes with the first chart that is shown. */
export async function drawingOf(region: Region): Promise<Drawing> {
  const { Graph, layout } = await import("@dagrejs/dagre").then((module) => ({
    Graph: module.graphlib.Graph,
    layout: module.layout,
  }));
  const graph = new Graph();
  graph.setGraph({ rankdir: "TB", nodesep: 34, ranksep: 34, edgesep: 14, marginx: 10, marginy: 10 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { id } of region.states)
    graph.setNode(id, { width: Math.max(64, wordsOf(id).length * 7.6 + 26), height: 30 });
  const joined = joinedArrows(region);
  for (const { from, to, labels } of joined) {
    const width = Math.max(...labels.map((label) => label.length)) * CHARACTER;
    graph.setEdge(from, to, { width, height: labels.length * LINE, labelpos: "c" });
  }
  layout(graph);
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  const boxes = region.states.map(({ id, final }) => {
    const node = graph.node(id) as { x: number; y: number; width: number; height: number };
    return {
      id,
      x: node.x - node.width / 2,
      y: node.y - node.height / 2,
      width: node.width,
      height: node.height,
      initial: id === region.initial,
      final,
    };
  });
  const arrows = joined.map(({ from, to, labels }) => {
    const edge = graph.edge(from, to) as { points: readonly Point[]; x: number; y: number };
    return { from, to, labels, path: pathOf(edge.points), x: edge.x, y: edge.y };
  });
  return { width, height, boxes, arrows };
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** Arrows between the same two states are one, with all their events. */
function joinedArrows({ arrows }: Region): { from: string; to: string; labels: string[] }[] {
  const joined = new Map<string, { from: string; to: string; labels: string[] }>();
  for (const { from, to, label } of arrows) {
    const key = `${from} ${to}`;
    const known = joined.get(key);
    if (known === undefined) joined.set(key, { from, to, labels: [label] });
    else known.labels.push(label);
  }
  return [...joined.values()];
}

/** A smooth line through the points of the layout. */
function pathOf(points: readonly Point[]): string {
  const [first, ...others] = points;
  if (first === undefined) return "";
  const last = others.pop();
  if (last === undefined) return "";
  let path = `M${round(first.x)},${round(first.y)}`;
  for (const [i, point] of others.entries()) {
    const next = others[i + 1] ?? last;
    const end = next === last ? last : { x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 };
    path += ` Q${round(point.x)},${round(point.y)} ${round(end.x)},${round(end.y)}`;
  }
  if (others.length === 0) path += ` L${round(last.x)},${round(last.y)}`;
  return path;
}

const round = (value: number): number => Math.round(value * 10) / 10;

/** `neverSeen` as it is read: `never seen`. */
export function wordsOf(id: string): string {
  return id.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
