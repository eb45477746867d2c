import { useTitle } from "../../parts/hooks.ts";
import { place, urlOf } from "../../store/router.ts";
import { meaningOf } from "../../text/glossary.ts";
import { Alerts } from "./alerts.tsx";
import { Audit } from "./audit.tsx";
import { Dead } from "./dead.tsx";
import { Machines } from "./machines.tsx";
import { Transitions } from "./transitions.tsx";
import { Tree } from "./tree.tsx";

const TABS = [
  { key: "", word: "Transitions" },
  { key: "tree", word: "Supervision" },
  { key: "machines", word: "Machines" },
  { key: "dead", word: "Dead letters" },
  { key: "alerts", word: "Alerts" },
  { key: "audit", word: "Audit" },
] as const;

/** The actors of the daemon and what they do, what went wrong, and who asked for what. */
export function Inspection() {
  useTitle("Inspection");
  const { tab = "" } = place.value.query;
  return (
    <section class="page full">
      <div class="page-head">
        <h1>Inspection</h1>
      </div>
      <nav class="tabs" aria-label="Parts of the inspection">
        {TABS.map(({ key, word }) => (
          <a
            key={key}
            title={meaningOf(word)}
            href={urlOf(["inspection"], { tab: key })}
            aria-current={tab === key ? "page" : undefined}
          >
            {word}
          </a>
        ))}
      </nav>
      {tab === "" && <Transitions />}
      {tab === "tree" && <Tree />}
      {tab === "machines" && <Machines />}
      {tab === "dead" && <Dead />}
      {tab === "alerts" && <Alerts />}
      {tab === "audit" && <Audit />}
    </section>
  );
}
