import { useState } from "preact/hooks";
import { bytes, span } from "../../../message/text/figures.ts";
import type { QueueView } from "../../../runtime/operate/table/maintenance.ts";
import type { NodeDetail } from "../../../runtime/operate/table/nodes.ts";
import { useReading } from "../../parts/hooks.ts";
import { DO, figure, PlainTable } from "../../parts/plain-table.tsx";
import { Shown } from "../../parts/reading.tsx";
import { Sure } from "../../parts/sure.tsx";
import { Ago, CopyCommand, For, StateWord } from "../../parts/words.tsx";
import { sentenceOf } from "../../store/client.ts";
import { byClock } from "../../store/clock-choice.ts";
import { urlOf } from "../../store/router.ts";
import { theStore } from "../../store/store.ts";
import { cancelText } from "../../text/cancel-text.ts";
import { commandLine } from "../../text/command-line.ts";
import { messageLook } from "../../text/looks.ts";
import { counted } from "../../text/times.ts";

const SHOWN = 100;

/** The messages that wait for the node, in the order in which they are sent, each with the reason why, to be taken back. */
export function Queue({ node: { name } }: { node: NodeDetail }) {
  const { client } = theStore();
  const { reading, refresh } = useReading<QueueView>(`queue ${name}`, () => ({
    load: () => client.queue(name, { limit: SHOWN }),
    on: (happening) =>
      (happening.type === "message" && happening.subject.startsWith(`${name}.`)) ||
      (happening.type === "node" && happening.name === name),
    every: 10_000,
    atMost: 400,
  }));
  const [said, say] = useState("");
  const takeBack = async (id: string): Promise<void> => {
    try {
      say(cancelText(await client.cancel(id)));
    } catch (thrown) {
      say(`not taken back: ${sentenceOf(thrown)}`);
    }
    refresh();
  };
  return (
    <section class="block" aria-label="Messages that wait">
      <div class="block-head">
        <h2>Waits for {name}</h2>
        <span class="actions">
          <a href={urlOf(["messages"], { node: name })}>all its messages</a>
          <CopyCommand line={commandLine("queue", name)} />
        </span>
      </div>
      <p role="status">{said}</p>
      <Shown
        of={reading}
        what="its queue"
        isEmpty={({ messages }) => messages.length === 0}
        empty={`Nothing waits for ${name}.`}
      >
        {(queue) => (
          <>
            <p class="quiet">
              {counted(queue.waiting, "message")}, {bytes(queue.bytes)}, in the order in which they are sent
              {queue.rate !== undefined && `; the line carried ${bytes(queue.rate)} a second of late`}
              {queue.waiting > queue.messages.length && `; shown are the first ${queue.messages.length}`}
            </p>
            <PlainTable
              label="Messages that wait"
              heads={["State", "What", "For", "May wait", figure("Size"), "Why", DO]}
            >
              {queue.messages.map((one) => (
                <Row key={one.id} message={one} onTakeBack={() => takeBack(one.id)} />
              ))}
            </PlainTable>
          </>
        )}
      </Shown>
    </section>
  );
}

function Row({ message, onTakeBack }: { message: QueueView["messages"][number]; onTakeBack: () => Promise<void> }) {
  const { id, state, summary, createdAt, deliverBy, expectedAt, reason, bytes: size } = message;
  const now = theStore().now.value;
  return (
    <tr>
      <td>
        <StateWord look={messageLook(state)} />
      </td>
      <td class="what">
        <a data-row href={urlOf(["messages", id])}>
          {summary === "" ? "(no data)" : summary}
        </a>
      </td>
      <td>
        <For since={createdAt} />
      </td>
      <td>{deliverBy === null ? "for ever" : deliverBy <= now ? "no more" : `${span(deliverBy - now)} more`}</td>
      <td class="figure">{size === 0 ? "" : bytes(size)}</td>
      <td class="why">
        {byClock(reason)}
        {expectedAt !== null && (
          <span class="quiet">
            {" "}
            expected there <Ago at={expectedAt} />
          </span>
        )}
      </td>
      <td class="do">
        <Sure sure="take it back" onSure={onTakeBack}>
          take back
        </Sure>
      </td>
    </tr>
  );
}
