import { computed, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Health } from "../../runtime/operate/table/daemon.ts";
import { browserTime, type Time } from "./browser.ts";
import { type Client, type Fetch, openClient, type Session } from "./client.ts";
import { type Happening, Recent, type Transition } from "./happenings.ts";
import { isFresh, type LinkWord, linkWord } from "./link.ts";
import { NodeMirror } from "./node-mirror.ts";
import { Resource, type ResourceOptions } from "./resource.ts";
import { Stream } from "./stream.ts";

/** Types of happenings that every page needs; the others are asked for by those who show them. */
const ALWAYS = ["message", "job", "node", "process", "alert", "transition"] as const;
const KEPT_TRANSITIONS = 3_000;
const EARLIER_TRANSITIONS = 1_000;
/** The happenings of a busy fleet are shown in steps of this, ms. */
const SHOW_EVERY = 200;
/** How long nobody looks at the page until it gives its stream up, ms. */
const REST_AFTER = 10_000;
const TRY_SESSION_EVERY = 2_000;

/** The one store: who is logged in, how fresh the page is, and the daemon's state as the stream tells it. */
class Store {
  readonly client: Client;
  readonly time: Time;
  readonly now: Signal<number>;
  readonly session = signal<Session | undefined>(undefined);
  readonly link: ReadonlySignal<LinkWord>;
  readonly fresh: ReadonlySignal<boolean>;
  readonly heardAt = signal(0);
  readonly nodes: NodeMirror;
  readonly health: Resource<Health>;
  readonly transitions = new Recent<Transition>(KEPT_TRANSITIONS);
  /** Grows when there are new transitions. */
  readonly transitionCount = signal(0);
  readonly #stream: Stream;
  readonly #streamState = signal<"opening" | "live" | "waiting" | "refused">("opening");
  readonly #fetch: Fetch;
  readonly #resources = new Set<Resource<unknown>>();
  readonly #listeners = new Set<(happening: Happening) => void>();
  readonly #wanted = new Map<string, number>();
  /** The daemon's clock minus this browser's, ms. */
  #skew = 0;
  #showing = false;
  #rests = false;
  #restSoon: (() => void) | undefined;

  constructor(fetch: Fetch, time: Time = browserTime) {
    this.time = time;
    this.#fetch = fetch;
    this.now = signal(time.now());
    this.link = computed(() =>
      linkWord({ stream: this.#streamState.value, heardAt: this.heardAt.value, now: this.now.value - this.#skew }),
    );
    this.fresh = computed(() => isFresh(this.link.value));
    this.client = openClient({
      fetch,
      csrf: () => this.#csrf(),
      answered: () => undefined,
      refused: () => this.#refused(),
    });
    this.nodes = new NodeMirror(this.client, time);
    this.#stream = new Stream({
      time,
      fetch,
      state: (state) => this.#became(state),
      heard: (serverTime) => this.#heard(serverTime),
      happened: (happening) => this.#happened(happening),
      gap: (types) => this.#missed(types),
    });
    this.health = this.resource({ load: () => this.#readHealth(), every: 15_000, atMost: 2_000 });
    this.#tick();
    void this.#begin();
  }

  /** An answer that is kept up to date until it is closed. */
  resource<T>(options: ResourceOptions<T>): Resource<T> {
    const resource = new Resource<T>(options, this.time);
    this.#resources.add(resource as Resource<unknown>);
    return resource;
  }

  close(resource: Resource<unknown>): void {
    resource.close();
    this.#resources.delete(resource);
  }

  /** Calls for each happening, `types` beyond the usual ones included, until the returned function is called. */
  listen(types: readonly Happening["type"][], listener: (happening: Happening) => void): () => void {
    this.#listeners.add(listener);
    this.#want(types, 1);
    return () => {
      this.#listeners.delete(listener);
      this.#want(types, -1);
    };
  }

  /** The browser's network came or went. */
  network(isThere: boolean): void {
    if (isThere) this.#stream.retry();
    else this.#stream.lost();
  }

  /** Somebody looks at the page, or nobody does any more: then it rests after a while, and is not called fresh. */
  looked(isSeen: boolean): void {
    this.#restSoon?.();
    this.#restSoon = undefined;
    if (!isSeen) this.#restSoon = this.time.after(REST_AFTER, () => this.#rest());
    else if (this.#rests) {
      this.#rests = false;
      this.#stream.retry();
    }
  }

  #rest(): void {
    this.#rests = true;
    this.#stream.rest();
  }

  /** Everything that is shown is read again. */
  refresh(): void {
    this.#readAgain();
  }

  async signOut(): Promise<void> {
    await this.#fetch("/session", {
      method: "DELETE",
      headers: { "steward-csrf": this.session.peek()?.csrf ?? "" },
      credentials: "same-origin",
    }).catch(() => undefined);
    this.session.value = undefined;
    this.#refused();
  }

  /** A page that was just opened asks for something before it knows its session: that waits. */
  async #csrf(): Promise<string> {
    if (this.session.peek() === undefined)
      await new Promise<void>((resolve) => {
        const stop = this.session.subscribe((session) => {
          if (session === undefined) return;
          resolve();
          queueMicrotask(() => stop());
        });
      });
    return this.session.peek()?.csrf ?? "";
  }

  async #begin(): Promise<void> {
    if (!(await this.#readSession())) return;
    // The nodes are read when the stream begins: what happened before it is in the answer.
    this.#want([], 1);
    await this.#readTransitions();
  }

  /** The transitions from before this page was opened, as far as the daemon remembers them; those since then are here already. */
  async #readTransitions(): Promise<void> {
    try {
      const before = await this.client.transitions({ limit: EARLIER_TRANSITIONS });
      const first = this.transitions.items[0]?.item;
      const earlier = first === undefined ? before : before.filter(({ at }) => at < first.at);
      this.transitions.putBefore(earlier.map((transition) => ({ type: "transition", ...transition })));
      this.transitionCount.value = this.transitions.count;
    } catch {
      // The stream tells of those that come; the earlier ones are a help and no more.
    }
  }

  async #readSession(): Promise<boolean> {
    try {
      const response = await this.#fetch("/session", { credentials: "same-origin", cache: "no-store" });
      if (response.status === 401) {
        this.#streamState.value = "refused";
      } else if (response.ok) {
        this.session.value = (await response.json()) as Session;
        return true;
      }
    } catch {
      // The daemon is not there yet, and is asked again.
    }
    this.time.after(TRY_SESSION_EVERY, () => void this.#begin());
    return false;
  }

  #refused(): void {
    if (this.#streamState.peek() === "refused") return;
    this.#became("refused");
  }

  #became(state: "live" | "waiting" | "refused"): void {
    const before = this.#streamState.peek();
    this.#streamState.value = state;
    if (state === "refused" && before !== "refused") this.time.after(TRY_SESSION_EVERY, () => void this.#tryAgain());
    // The word that proves a request to be of this page is another after a restart of the daemon.
    if (state === "live" && before === "waiting") void this.#readSession();
    if (state === "waiting" && this.nodes.mirror.peek().readAt === 0) void this.nodes.readAll();
  }

  async #tryAgain(): Promise<void> {
    const response = await this.#fetch("/session", { credentials: "same-origin", cache: "no-store" }).catch(
      () => undefined,
    );
    if (response?.ok !== true) {
      this.time.after(TRY_SESSION_EVERY, () => void this.#tryAgain());
      return;
    }
    this.session.value = (await response.json()) as Session;
    this.#streamState.value = "waiting";
    this.#stream.retry();
    this.#readAgain();
  }

  async #readHealth(): Promise<Health> {
    const health = await this.client.health();
    this.#heard(health.asOf);
    return health;
  }

  #heard(serverTime?: number): void {
    const now = this.time.now();
    if (typeof serverTime === "number") this.#skew = Math.abs(serverTime - now) < 2_000 ? 0 : serverTime - now;
    this.heardAt.value = now;
  }

  #happened(happening: Happening): void {
    if (happening.type === "transition") {
      this.transitions.add(happening);
      this.#showSoon();
    }
    this.nodes.happened(happening);
    for (const resource of this.#resources) resource.happened(happening);
    for (const listener of this.#listeners) listener(happening);
  }

  #showSoon(): void {
    if (this.#showing) return;
    this.#showing = true;
    this.time.after(SHOW_EVERY, () => {
      this.#showing = false;
      this.transitionCount.value = this.transitions.count;
    });
  }

  #readAgain(): void {
    void this.nodes.readAll();
    for (const resource of this.#resources) resource.gap();
  }

  /** Happenings of these types may have been missed. */
  #missed(types: readonly string[]): void {
    if (ALWAYS.some((type) => types.includes(type))) this.#readAgain();
    else
      for (const resource of this.#resources)
        if (resource.completedBy !== undefined && types.includes(resource.completedBy)) resource.gap();
  }

  #want(types: readonly string[], by: number): void {
    for (const type of types) this.#wanted.set(type, (this.#wanted.get(type) ?? 0) + by);
    const more = [...this.#wanted].flatMap(([type, count]) => (count > 0 ? [type] : []));
    this.#stream.want([...new Set<string>([...ALWAYS, ...more])].sort());
  }

  #tick(): void {
    this.now.value = this.time.now() + this.#skew;
    this.time.after(1_000, () => this.#tick());
  }
}

let only: Store | undefined;

/** The store of this page. */
export function theStore(): Store {
  only ??= new Store((url, init) => fetch(url, init));
  return only;
}

/** Tells the rest of the page, styles included, whether what is shown is fresh. */
export function markFreshness(store: ReturnType<typeof theStore>): void {
  effect(() => {
    document.documentElement.dataset.fresh = store.fresh.value ? "yes" : "no";
  });
}
