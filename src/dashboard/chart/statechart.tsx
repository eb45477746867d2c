import { useEffect, useState } from "preact/hooks";
import type { MachineView } from "../../runtime/operate/table/processes.ts";
import { theStore } from "../store/store.ts";
import { meaningOf } from "../text/glossary.ts";
import { type Drawing, drawingOf, wordsOf } from "./layout.ts";

type Region = MachineView["regions"][number];

/** A transition that the chart shows as the last one. */
export interface Step {
  readonly from: string;
  readonly to: string;
  readonly event: string;
}

/** One region of a machine, laid out from the machine itself; the present state is lit, the last transition drawn strong. */
export function RegionChart({
  machine,
  region,
  present,
  step,
}: {
  machine: string;
  region: Region;
  present: string | undefined;
  step?: Step | undefined;
}) {
  const [drawing, setDrawing] = useState<Drawing | undefined>(undefined);
  const [fault, setFault] = useState("");
  useEffect(() => {
    let isShown = true;
    drawingOf(region).then(
      (done) => isShown && setDrawing(done),
      (thrown: unknown) => isShown && setFault(String(thrown)),
    );
    return () => {
      isShown = false;
    };
  }, [machine, region.name]);
  const name = region.name === "" ? machine : region.name;
  const said = `${name}: ${present === undefined ? "state not known" : wordsOf(present)}${step === undefined ? "" : `, after ${step.event} from ${wordsOf(step.from)}`}`;
  return (
    <figure class="region-chart">
      <figcaption>
        <h3>{name}</h3>
        <strong>{present === undefined ? "?" : wordsOf(present)}</strong>
      </figcaption>
      {fault !== "" && <p class="fault">The chart could not be laid out: {fault}</p>}
      {drawing !== undefined && (
        <Chart drawing={drawing} present={present} step={step} said={said} id={`${machine}-${name}`} />
      )}
    </figure>
  );
}

function Chart({
  drawing,
  present,
  step,
  said,
  id,
}: {
  drawing: Drawing;
  present: string | undefined;
  step: Step | undefined;
  said: string;
  id: string;
}) {
  const { width, height, boxes, arrows } = drawing;
  const isFresh = theStore().fresh.value;
  return (
    <svg
      class={`statechart${isFresh ? "" : " old"}`}
      viewBox={`0 0 ${width} ${height}`}
      width={width}
      height={height}
      role="img"
      aria-label={said}
    >
      <defs>
        <marker
          id={`tip-${id}`}
          viewBox="0 0 8 8"
          refX="7"
          refY="4"
          markerWidth="7"
          markerHeight="7"
          orient="auto-start-reverse"
        >
          <path d="M0,0.6 L7.4,4 L0,7.4 z" class="tip" />
        </marker>
        <marker
          id={`tip-lit-${id}`}
          viewBox="0 0 8 8"
          refX="7"
          refY="4"
          markerWidth="5"
          markerHeight="5"
          orient="auto-start-reverse"
        >
          <path d="M0,0.6 L7.4,4 L0,7.4 z" class="tip lit" />
        </marker>
      </defs>
      {arrows.map((arrow) => {
        const lit = step !== undefined && step.from === arrow.from && step.to === arrow.to;
        return (
          <g key={`${arrow.from} ${arrow.to}`} class={lit ? "arrow lit" : "arrow"}>
            <path d={arrow.path} marker-end={`url(#tip-${lit ? "lit-" : ""}${id})`} />
            {arrow.labels.map((label, i) => (
              <text key={label} x={arrow.x} y={arrow.y + (i - (arrow.labels.length - 1) / 2) * 13 + 4}>
                {label}
                {meaningOf(label) !== undefined && <title>{meaningOf(label)}</title>}
              </text>
            ))}
          </g>
        );
      })}
      {boxes.map((box) => (
        <g key={box.id} class={`box${box.id === present ? " present" : ""}${box.final ? " final" : ""}`}>
          <rect x={box.x} y={box.y} width={box.width} height={box.height} rx="8" />
          {box.initial && <circle cx={box.x + 10} cy={box.y + box.height / 2} r="3" class="initial" />}
          <text x={box.x + box.width / 2 + (box.initial ? 4 : 0)} y={box.y + box.height / 2 + 4.5}>
            {wordsOf(box.id)}
            {meaningOf(box.id) !== undefined && <title>{meaningOf(box.id)}</title>}
          </text>
        </g>
      ))}
    </svg>
  );
}
