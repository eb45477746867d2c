/**
 * Which subscriptions a subject reaches, NATS wildcards included: a tree of tokens. `*` stands for one token, `>` for one
 * or more at the end.
 */
interface Branch<T> {
  readonly items: Set<T>;
  readonly next: Map<string, Branch<T>>;
}

export class SubjectTree<T> {
  readonly #root: Branch<T> = branch();

  add(pattern: string, item: T): void {
    let at = this.#root;
    for (const token of pattern.split(".")) {
      let next = at.next.get(token);
      if (next === undefined) {
        next = branch();
        at.next.set(token, next);
      }
      at = next;
    }
    at.items.add(item);
  }

  remove(pattern: string, item: T): void {
    const path: [Branch<T>, string][] = [];
    let at: Branch<T> | undefined = this.#root;
    for (const token of pattern.split(".")) {
      path.push([at, token]);
      at = at.next.get(token);
      if (at === undefined) return;
    }
    at.items.delete(item);
    for (const [parent, token] of path.reverse()) {
      const child = parent.next.get(token);
      if (child !== undefined && child.items.size === 0 && child.next.size === 0) parent.next.delete(token);
    }
  }

  match(subject: string): T[] {
    const found: T[] = [];
    collect(this.#root, subject.split("."), 0, found);
    return found;
  }
}

function branch<T>(): Branch<T> {
  return { items: new Set(), next: new Map() };
}

function collect<T>(at: Branch<T>, tokens: readonly string[], index: number, found: T[]): void {
  const token = tokens[index];
  if (token === undefined) {
    found.push(...at.items);
    return;
  }
  const rest = at.next.get(">");
  if (rest !== undefined) found.push(...rest.items);
  for (const key of token === "*" ? ["*"] : [token, "*"]) {
    const next = at.next.get(key);
    if (next !== undefined) collect(next, tokens, index + 1, found);
  }
}
