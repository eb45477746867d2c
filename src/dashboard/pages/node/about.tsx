import { bytes } from "../../../message/text/figures.ts";
import type { FactsView, LabelView, NodeDetail } from "../../../runtime/operate/table/nodes.ts";
import { useReading } from "../../parts/hooks.ts";
import { Shown } from "../../parts/reading.tsx";
import { Ago, At } from "../../parts/words.tsx";
import { dayText } from "../../store/clock-choice.ts";
import { theStore } from "../../store/store.ts";

export function About({ node }: { node: NodeDetail }) {
  const { client } = theStore();
  const { name } = node;
  const facts = useReading<FactsView>(`facts ${name}`, () => ({ load: () => client.facts(name), every: 60_000 }));
  const labels = useReading<LabelView>(`labels ${name}`, () => ({ load: () => client.labels(name), every: 60_000 }));
  return (
    <>
      <section class="block" aria-label="About the node">
        <h2>About</h2>
        <dl class="pairs">
          <Pair word="role" value={node.role} />
          <Pair word="version" value={node.version} />
          <div>
            <dt>started</dt>
            <dd>{node.startedAt === undefined ? "–" : <Ago at={node.startedAt} />}</dd>
          </div>
          <Pair word="traffic" value={`${bytes(node.bytesOut)} out, ${bytes(node.bytesIn)} in`} />
          <Pair word="running" value={String(node.running)} />
          {node.clockSkew !== undefined && (
            <Pair
              word="clock"
              value={`${Math.round(Math.abs(node.clockSkew))} ms ${node.clockSkew < 0 ? "behind" : "ahead"}`}
            />
          )}
          <Pair word="journal" value={node.epoch} />
          <Pair word="methods" value={node.methods?.join(", ")} />
          <div>
            <dt>as of</dt>
            <dd>
              <At time={node.asOf} day />
            </dd>
          </div>
        </dl>
      </section>
      <section class="block" aria-label="Labels">
        <h2>Labels</h2>
        <Shown of={labels.reading} what="its labels" isEmpty={({ list }) => list.length === 0} empty="It has no label.">
          {({ list }) => (
            <dl class="pairs">
              {list.map(({ key, value, by, own }) => (
                <div key={key}>
                  <dt>{key}</dt>
                  <dd title={`given by ${by}${own === undefined ? "" : `; its own word is ${own}`}`}>{value}</dd>
                </div>
              ))}
            </dl>
          )}
        </Shown>
      </section>
      <section class="block" aria-label="Facts">
        <h2>Facts</h2>
        <Shown
          of={facts.reading}
          what="its facts"
          isEmpty={({ list }) => list.length === 0}
          empty="It has told no facts."
        >
          {({ list, asOf }) => (
            <>
              <dl class="pairs">
                {list.map(({ key, value, since }) => (
                  <div key={key}>
                    <dt>{key}</dt>
                    <dd title={`so since ${dayText(since)}`}>{factText(key, value)}</dd>
                  </div>
                ))}
              </dl>
              <p class="quiet">
                true when it was last heard, <Ago at={asOf} />
              </p>
            </>
          )}
        </Shown>
      </section>
    </>
  );
}

function factText(key: string, value: FactsView["list"][number]["value"]): string {
  if (typeof value === "number" && /(?:^|\.)(?:size|memory|free|bytes)$/.test(key)) return bytes(value);
  if (typeof value === "number" && key.endsWith(".full")) return `${value} %`;
  return Array.isArray(value) ? value.join(", ") : String(value);
}

function Pair({ word, value }: { word: string; value: string | undefined }) {
  return (
    <div>
      <dt>{word}</dt>
      <dd>{value ?? "–"}</dd>
    </div>
  );
}
