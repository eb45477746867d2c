/** As much of a document as the view library needs to render into: components are tested without a browser. */

type Listener = (event: LittleEvent) => unknown;

interface LittleEvent {
  readonly type: string;
  readonly target: LittleElement;
  readonly currentTarget: LittleElement;
  readonly key: string;
  preventDefault(): void;
  stopPropagation(): void;
}

class LittleNode {
  readonly nodeType: number;
  parentNode: LittleElement | null = null;

  constructor(nodeType: number) {
    this.nodeType = nodeType;
  }

  get ownerDocument(): unknown {
    return littleDocument;
  }

  get nextSibling(): LittleNode | null {
    const { childNodes = [] } = this.parentNode ?? {};
    return childNodes[childNodes.indexOf(this) + 1] ?? null;
  }

  get isConnected(): boolean {
    return this.parentNode === root || (this.parentNode?.isConnected ?? false);
  }

  get textContent(): string {
    return "";
  }

  remove(): void {
    this.parentNode?.removeChild(this);
  }
}

class LittleText extends LittleNode {
  data: string;

  constructor(data: string) {
    super(3);
    this.data = data;
  }

  override get textContent(): string {
    return this.data;
  }
}

/** An element with the properties that the page sets, its listeners, and its children. */
export class LittleElement extends LittleNode {
  readonly localName: string;
  readonly namespaceURI: string;
  readonly childNodes: LittleNode[] = [];
  readonly attributes = new Map<string, string>();
  readonly style: Record<string, unknown> = { setProperty: () => undefined };
  readonly #listeners = new Map<string, Listener>();
  readonly offsetWidth = 1_000;
  readonly offsetHeight = 600;
  scrollTop = 0;
  value = "";
  disabled = false;
  id = "";
  for = "";
  className = "";

  constructor(localName: string, namespaceURI = "http://www.w3.org/1999/xhtml") {
    super(1);
    this.localName = localName;
    this.namespaceURI = namespaceURI;
  }

  get firstChild(): LittleNode | null {
    return this.childNodes[0] ?? null;
  }

  override get textContent(): string {
    return this.childNodes.map((child) => child.textContent).join("");
  }

  appendChild(child: LittleNode): LittleNode {
    return this.insertBefore(child, null);
  }

  insertBefore(child: LittleNode, before: LittleNode | null): LittleNode {
    child.remove();
    const at = before === null ? -1 : this.childNodes.indexOf(before);
    this.childNodes.splice(at === -1 ? this.childNodes.length : at, 0, child);
    child.parentNode = this;
    return child;
  }

  removeChild(child: LittleNode): LittleNode {
    const at = this.childNodes.indexOf(child);
    if (at !== -1) this.childNodes.splice(at, 1);
    child.parentNode = null;
    return child;
  }

  contains(other: LittleNode | null): boolean {
    return other !== null && (other === this || this.contains(other.parentNode));
  }

  setAttribute(name: string, value: unknown): void {
    this.attributes.set(name, String(value));
  }

  removeAttribute(name: string): void {
    this.attributes.delete(name);
  }

  getAttribute(name: string): string | null {
    return this.attributes.get(name) ?? null;
  }

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.set(type.toLowerCase(), listener);
  }

  removeEventListener(type: string): void {
    this.#listeners.delete(type.toLowerCase());
  }

  focus(): void {
    littleDocument.activeElement = this;
  }

  getBoundingClientRect(): { left: number; right: number; top: number; bottom: number } {
    return { left: 0, right: 0, top: 0, bottom: 0 };
  }

  /** Does as a reader would: the element's own listener is called. */
  fire(type: string, more: { readonly value?: string; readonly key?: string } = {}): void {
    if (more.value !== undefined) this.value = more.value;
    const event: LittleEvent = {
      type,
      target: this,
      currentTarget: this,
      key: more.key ?? "",
      preventDefault: () => undefined,
      stopPropagation: () => undefined,
    };
    this.#listeners.get(type)?.call(this, event);
  }

  /** Every element below it. */
  *all(): Generator<LittleElement> {
    for (const child of this.childNodes)
      if (child instanceof LittleElement) {
        yield child;
        yield* child.all();
      }
  }

  find(name: string, words = ""): LittleElement {
    for (const one of this.all()) if (one.localName === name && wordsOf(one).includes(words)) return one;
    throw new Error(`there is no <${name}> with “${words}” in: ${this.textContent}`);
  }

  has(name: string, words = ""): boolean {
    return [...this.all()].some((one) => one.localName === name && wordsOf(one).includes(words));
  }
}

/** The words by which a reader finds it: its label, or its text. */
function wordsOf(element: LittleElement): string {
  const { attributes, textContent, parentNode } = element;
  const label = [...root.all()].find((one) => one.localName === "label" && one.for !== "" && one.for === element.id);
  const around = parentNode?.localName === "label" ? parentNode.textContent : "";
  return [attributes.get("aria-label"), label?.textContent, around, textContent].join(" ");
}

const littleDocument = {
  activeElement: null as LittleElement | null,
  title: "",
  documentElement: { dataset: {} },
  defaultView: globalThis,
  createElementNS: (namespace: string, name: string) => new LittleElement(name, namespace),
  createElement: (name: string) => new LittleElement(name),
  createTextNode: (text: string) => new LittleText(text),
  getElementById: (): LittleElement | null => null,
  querySelector: (): LittleElement | null => null,
  addEventListener: () => undefined,
  removeEventListener: () => undefined,
};

export const root = new LittleElement("body");

/** Puts the little document where the page looks for the browser's. */
export function installLittleDom(url = "http://page/"): void {
  const at = new URL(url);
  const location = { pathname: at.pathname, search: at.search, origin: at.origin };
  const moved = (_state: unknown, _title: string, to: string): void => {
    const next = new URL(to, at);
    location.pathname = next.pathname;
    location.search = next.search;
  };
  littleDocument.activeElement = null;
  Object.assign(globalThis, {
    document: littleDocument,
    location,
    history: { pushState: moved, replaceState: moved },
    HTMLElement: LittleElement,
    innerWidth: 1200,
    innerHeight: 800,
    scrollTo: () => undefined,
  });
}
