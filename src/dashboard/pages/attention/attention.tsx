import { useTitle } from "../../parts/hooks.ts";
import { place, urlOf } from "../../store/router.ts";
import { meaningOf } from "../../text/glossary.ts";
import { Approvals } from "./approvals.tsx";
import { Errands } from "./errands.tsx";
import { Holds, Mutes } from "./holds.tsx";
import { RuleAlerts } from "./rule-alerts.tsx";

const TABS = [
  { key: "", word: "Alerts of rules" },
  { key: "approvals", word: "Approvals" },
  { key: "holds", word: "Holds" },
  { key: "mutes", word: "Mutes" },
  { key: "errands", word: "Errands" },
] as const;

/** The things that wait for a person, and what persons have asked to wait. */
export function Attention() {
  useTitle("Attention");
  const { tab = "" } = place.value.query;
  return (
    <section class="page full">
      <div class="page-head">
        <h1>Attention</h1>
      </div>
      <nav class="tabs" aria-label="Parts of the page">
        {TABS.map(({ key, word }) => (
          <a
            key={key}
            title={meaningOf(word)}
            href={urlOf(["attention"], { tab: key })}
            aria-current={tab === key ? "page" : undefined}
          >
            {word}
          </a>
        ))}
      </nav>
      <div class="scrolling">
        {tab === "" && <RuleAlerts />}
        {tab === "approvals" && <Approvals />}
        {tab === "holds" && <Holds />}
        {tab === "mutes" && <Mutes />}
        {tab === "errands" && <Errands />}
      </div>
    </section>
  );
}
