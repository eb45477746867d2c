import { useState } from "preact/hooks";
import type { HoldView, MuteView } from "../../../runtime/operate/table/maintenance.ts";
import { type Act, ActSaid, useAct } from "../../parts/act.tsx";
import { useReading } from "../../parts/hooks.ts";
import { DO, figure, PlainTable } from "../../parts/plain-table.tsx";
import { Shown } from "../../parts/reading.tsx";
import { Sure } from "../../parts/sure.tsx";
import { Ago, At, CopyCommand, For } from "../../parts/words.tsx";
import { place, urlOf } from "../../store/router.ts";
import { theStore } from "../../store/store.ts";
import { commandLine } from "../../text/command-line.ts";
import { readSpan } from "../../text/times.ts";

/** Nodes to which nothing is delivered, because somebody works on them. */
export function Holds() {
  const { client } = theStore();
  const { reading, refresh } = useReading<readonly HoldView[]>("holds", () => ({
    load: () => client.holds(),
    on: ({ type }) => type === "node" || type === "message",
    every: 10_000,
    atMost: 1_000,
  }));
  const { said, act } = useAct(refresh);
  return (
    <>
      <p class="quiet">
        Nothing is delivered to these nodes: messages wait, and their deadlines count.{" "}
        <CopyCommand line={commandLine("hold")} />
      </p>
      <Order
        verb="hold"
        word="Hold"
        line={({ to, until, note }) => [
          ...["hold", to],
          ...(until && ["--until", until]),
          ...(note && ["--note", note]),
        ]}
        order={(order) => client.hold(order)}
        act={act}
      />
      <ActSaid said={said} />
      <Shown of={reading} what="the holds" isEmpty={(list) => list.length === 0} empty="No node is held.">
        {(list) => (
          <PlainTable
            label="Holds"
            heads={["Node", "Held", "Ends", figure("Waiting"), "Next deadline", figure("Under way"), "By", "Note", DO]}
          >
            {list.map((hold) => (
              <tr key={hold.node}>
                <Begin of={hold} />
                <td class="figure">{hold.waiting}</td>
                <td>{hold.nextDeliverBy === null ? "" : <Ago at={hold.nextDeliverBy} />}</td>
                <td class="figure">{hold.underWay}</td>
                <End
                  of={hold}
                  word="release"
                  sure="deliver to it again"
                  onSure={() => client.unhold({ to: hold.node })}
                  act={act}
                />
              </tr>
            ))}
          </PlainTable>
        )}
      </Shown>
    </>
  );
}

/** Nodes of which no rule tells. */
export function Mutes() {
  const { client } = theStore();
  const { reading, refresh } = useReading<readonly MuteView[]>("mutes", () => ({
    load: () => client.mutes(),
    on: ({ type }) => type === "node",
    every: 10_000,
    atMost: 1_000,
  }));
  const { said, act } = useAct(refresh);
  return (
    <>
      <p class="quiet">
        No rule tells of these nodes; messages go to them as ever. <CopyCommand line={commandLine("mute")} />
      </p>
      <Order
        verb="mute"
        word="Mute"
        line={({ to, until, note }) => ["mute", to, ...(until || note ? [until || "never"] : []), ...(note && [note])]}
        order={(order) => client.mute(order)}
        act={act}
      />
      <ActSaid said={said} />
      <Shown of={reading} what="the mutes" isEmpty={(list) => list.length === 0} empty="No node is muted.">
        {(list) => (
          <PlainTable label="Mutes" heads={["Node", "Muted", "Ends", "By", "Note", DO]}>
            {list.map((mute) => (
              <tr key={mute.node}>
                <Begin of={mute} />
                <End
                  of={mute}
                  word="unmute"
                  sure="let rules tell of it"
                  onSure={() => client.unmute({ to: mute.node })}
                  act={act}
                />
              </tr>
            ))}
          </PlainTable>
        )}
      </Shown>
    </>
  );
}

function Begin({ of: { node, since, endsAt } }: { of: MuteView }) {
  return (
    <>
      <td>
        <a data-row href={urlOf(["nodes", node])}>
          {node}
        </a>
      </td>
      <td>
        <For since={since} />
      </td>
      <td>{endsAt === null ? "when it is released" : <At time={endsAt} day />}</td>
    </>
  );
}

function End({
  of: { by, note },
  word,
  sure,
  onSure,
  act,
}: {
  of: MuteView;
  word: string;
  sure: string;
  onSure: () => Promise<readonly string[]>;
  act: Act;
}) {
  return (
    <>
      <td>{by}</td>
      <td class="what">{note}</td>
      <td class="do">
        <Sure sure={sure} onSure={() => act("Done.", onSure())}>
          {word}
        </Sure>
      </td>
    </>
  );
}

interface Written {
  readonly to: string;
  readonly until: string;
  readonly note: string;
}

const NONE: Written = { to: "", until: "", note: "" };

/** The form for another hold or mute: who, how long, why. */
function Order({
  verb,
  word,
  line,
  order,
  act,
}: {
  verb: string;
  word: string;
  /** The words of the command line that does the same. */
  line: (written: Written) => readonly string[];
  order: (order: { to: string; endsAt?: number; note?: string }) => Promise<readonly unknown[]>;
  act: Act;
}) {
  const { now } = theStore();
  const [written, write] = useState<Written>(() => ({ ...NONE, to: place.peek().query.to ?? "" }));
  const lasts = written.until.trim() === "" ? undefined : readSpan(written.until);
  const wrong = written.until.trim() !== "" && typeof lasts !== "number";
  const send = async (): Promise<void> => {
    const { to, note } = written;
    const asked = {
      to,
      ...(typeof lasts === "number" ? { endsAt: Math.round(now.peek() + lasts) } : {}),
      ...(note.trim() === "" ? {} : { note: note.trim() }),
    };
    if (await act(`Done for ${to}.`, order(asked))) write(NONE);
  };
  const field = (key: keyof Written, label: string, placeholder: string) => (
    <label>
      {label}{" "}
      <input
        type="text"
        class="short"
        spellcheck={false}
        value={written[key]}
        placeholder={placeholder}
        onInput={(event) => write({ ...written, [key]: event.currentTarget.value })}
      />
    </label>
  );
  return (
    <form class="choices-line" aria-label={`${word} nodes`} onSubmit={(event) => event.preventDefault()}>
      {field("to", "nodes", "ship2, @north")}
      {field("until", "for", "4h; empty: until released")}
      {field("note", "note", "dry dock")}
      <Sure sure={`${verb} ${written.to}`} onSure={send} disabled={written.to.trim() === "" || wrong}>
        {word}
      </Sure>
      {wrong && <span class="fault">how long is none: 30m, 4h, 2d</span>}
      {written.to.trim() !== "" && <CopyCommand line={commandLine(...line(written))} />}
    </form>
  );
}
