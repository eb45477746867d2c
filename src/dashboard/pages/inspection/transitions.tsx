import { useMemo, useState } from "preact/hooks";
import { FilterLine } from "../../parts/filter-line.tsx";
import { Cell, Head, VirtualTable } from "../../parts/virtual-rows.tsx";
import { At, CopyCommand } from "../../parts/words.tsx";
import type { Transition } from "../../store/happenings.ts";
import { ask, place, urlOf } from "../../store/router.ts";
import { theStore } from "../../store/store.ts";
import { commandLine } from "../../text/command-line.ts";
import { meaningOf } from "../../text/glossary.ts";

/** Transitions as they happen, the newest first, with those that the daemon remembers from before. */
export function Transitions() {
  const store = theStore();
  const { role = "", name = "" } = place.value.query;
  const count = store.transitionCount.value;
  const [heldAt, setHeldAt] = useState<number | undefined>(undefined);
  const { shown, roles } = useMemo(() => {
    const found: { readonly no: number; readonly item: Transition }[] = [];
    const seen = new Set<string>();
    for (const entry of store.transitions.items) {
      seen.add(entry.item.role);
      if (heldAt !== undefined && entry.no > heldAt) continue;
      if (role !== "" && entry.item.role !== role) continue;
      if (name !== "" && !entry.item.actor.toLowerCase().includes(name.toLowerCase())) continue;
      found.push(entry);
    }
    return { shown: found.reverse(), roles: [...seen].sort() };
  }, [count, role, name, heldAt]);
  return (
    <>
      <div class="tools">
        <FilterLine
          label="Name of an actor"
          placeholder="name of an actor: ship1, nginx"
          value={name}
          onChange={(text) => ask({ name: text.trim() })}
        />
        <label>
          role{" "}
          <select value={role} onChange={(event) => ask({ role: event.currentTarget.value })}>
            <option value="">any</option>
            {[...new Set([...roles, ...(role === "" ? [] : [role])])].map((one) => (
              <option key={one} value={one}>
                {one}
              </option>
            ))}
          </select>
        </label>
        <button
          type="button"
          aria-pressed={heldAt !== undefined}
          onClick={() => setHeldAt(heldAt === undefined ? store.transitions.count : undefined)}
        >
          {heldAt === undefined ? "‖ hold" : `▶ go on (${store.transitions.count - heldAt} new)`}
        </button>
        <CopyCommand
          line={commandLine("inspect", ...(name === "" ? [] : [name]), ...(role === "" ? [] : ["--role", role]))}
        />
      </div>
      {shown.length === 0 ? (
        <p class="empty">
          {store.transitions.count === 0
            ? "No transition is remembered, and none has come."
            : "None of the transitions that are remembered fits these filters."}
        </p>
      ) : (
        <VirtualTable
          label="Transitions"
          kind="of-transitions"
          count={shown.length}
          height={innerWidth < 720 ? 48 : 27}
          head={
            <>
              <Head name="at">Time</Head>
              <Head name="role">Role</Head>
              <Head name="actor">Actor</Head>
              <Head name="change">Change</Head>
              <Head name="event">Event</Head>
              <Head name="cause">Cause</Head>
            </>
          }
          row={(index) => <TransitionRow transition={shown[index]?.item} />}
        />
      )}
    </>
  );
}

function TransitionRow({ transition }: { transition: Transition | undefined }) {
  if (transition === undefined) return null;
  const { at, role, actor, from, to, event, cause } = transition;
  return (
    <>
      <Cell name="at">
        <At time={at} />
      </Cell>
      <Cell name="role">
        <span class="quiet">{role}</span>
      </Cell>
      <Cell name="actor" title={actor}>
        {role === "node" ? <a href={urlOf(["nodes", actor])}>{actor}</a> : actor}
      </Cell>
      <Cell name="change">
        <span class="quiet">{from === "" ? "(start)" : from} →</span> {to}
      </Cell>
      <Cell name="event" title={meaningOf(event)}>
        {event}
      </Cell>
      <Cell name="cause" title={cause}>
        <span class="quiet">{cause}</span>
      </Cell>
    </>
  );
}
