import { useEffect, useRef, useState } from "preact/hooks";
import { Attention } from "../pages/attention/attention.tsx";
import { Fleet } from "../pages/fleet.tsx";
import { Inspection } from "../pages/inspection/inspection.tsx";
import { JobPage } from "../pages/job.tsx";
import { Jobs } from "../pages/jobs.tsx";
import { Logs } from "../pages/logs.tsx";
import { MessagePage } from "../pages/message.tsx";
import { Messages } from "../pages/messages.tsx";
import { NodePage } from "../pages/node/node.tsx";
import { People } from "../pages/people.tsx";
import { Run } from "../pages/run.tsx";
import { place } from "../store/router.ts";
import { theStore } from "../store/store.ts";
import { ClockButton } from "./clock-button.tsx";
import { Help } from "./help.tsx";
import { startKeys } from "./keys.ts";
import { LinkStatus, Warnings } from "./link-status.tsx";
import { Me } from "./me.tsx";
import { Palette } from "./palette.tsx";
import { ThemeButton } from "./theme.tsx";

/** The frame around every page: where one can go, and how fresh all of it is. */
export function Shell() {
  const [open, setOpen] = useState<"" | "palette" | "help">("");
  useEffect(() => startKeys({ palette: () => setOpen("palette"), help: () => setOpen("help") }), []);
  // The browser says later that a dialog closed: another one may have been opened since.
  const closed = (which: "palette" | "help"): void => setOpen((now) => (now === which ? "" : now));
  const store = theStore();
  const { path } = place.value;
  const [page = "fleet"] = path;
  const nav = useRef<HTMLElement>(null);
  // On a phone the pages are a line that scrolls: the present one is brought into sight.
  useEffect(() => {
    nav.current?.querySelector('[aria-current="page"]')?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [page]);
  return (
    <div class="shell">
      <a class="skip" href="#content">
        to the content
      </a>
      <header class="bar">
        <a class="brand" href="/">
          <span class="mark" aria-hidden="true" />
          steward
        </a>
        <nav aria-label="Pages" ref={nav}>
          <PageLink to="/" word="Fleet" hint="g n" isHere={page === "fleet" || page === "nodes"} />
          <PageLink to="/messages" word="Messages" hint="g m" isHere={page === "messages"} />
          <PageLink to="/jobs" word="Jobs" hint="g j" isHere={page === "jobs"} />
          <PageLink to="/run" word="Run" hint="g r" isHere={page === "run"} />
          <PageLink to="/logs" word="Logs" hint="g l" isHere={page === "logs"} />
          <PageLink to="/attention" word="Attention" hint="g a" isHere={page === "attention"} />
          <PageLink to="/inspection" word="Inspection" hint="g i" isHere={page === "inspection"} />
          <PageLink to="/people" word="People" hint="g p" isHere={page === "people"} />
        </nav>
        <div class="right">
          <button
            type="button"
            class="finder"
            onClick={() => setOpen("palette")}
            title="find a node, a message, a page (Ctrl K)"
          >
            <span class="finder-word">Go to …</span>
            <kbd>Ctrl K</kbd>
          </button>
          <ClockButton />
          <ThemeButton />
          <button type="button" class="round" title="keys (?)" aria-label="Keys" onClick={() => setOpen("help")}>
            ?
          </button>
          <Me />
          <LinkStatus />
        </div>
      </header>
      <Warnings />
      <main id="content" tabIndex={-1}>
        {store.session.value === undefined && store.link.value === "signed out" ? <SignedOut /> : <Page />}
      </main>
      {open === "palette" && <Palette onClose={() => closed("palette")} />}
      {open === "help" && <Help onClose={() => closed("help")} />}
    </div>
  );
}

function PageLink({ to, word, hint, isHere }: { to: string; word: string; hint: string; isHere: boolean }) {
  return (
    <a href={to} title={`${word} (${hint})`} aria-current={isHere ? "page" : undefined}>
      {word}
    </a>
  );
}

function Page() {
  const [page = "fleet", name] = place.value.path;
  if (page === "nodes" && name !== undefined) return <NodePage key={name} name={name} />;
  if (page === "messages" && name !== undefined) return <MessagePage key={name} id={name} />;
  if (page === "jobs" && name !== undefined) return <JobPage key={name} id={name} />;
  if (page === "jobs") return <Jobs />;
  if (page === "fleet" || page === "nodes") return <Fleet />;
  if (page === "messages") return <Messages />;
  if (page === "run") return <Run />;
  if (page === "logs") return <Logs />;
  if (page === "inspection") return <Inspection />;
  if (page === "attention") return <Attention />;
  if (page === "people") return <People />;
  return (
    <section class="page">
      <h1>There is no such page</h1>
      <p>
        The address names no page of steward. <a href="/">To the fleet</a>
      </p>
    </section>
  );
}

function SignedOut() {
  return (
    <section class="page narrow">
      <h1>Signed out</h1>
      <p>
        This browser is not logged in, or no longer. On the machine of the daemon, type <code>steward open</code>, and
        open the link that it prints: it is good once.
      </p>
    </section>
  );
}
