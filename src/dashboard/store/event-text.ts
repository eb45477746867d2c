/** One server-sent event. */
export interface ServerEvent {
  readonly type: string;
  readonly data: string;
  readonly id?: string;
}

/** Most characters of one event that are held: what is longer is no event of steward. */
const LONGEST = 64 * 1024 * 1024;

/** Cuts the text of a stream of server-sent events into events, whatever the sizes in which it comes. Comments are left out. */
export class EventText {
  #rest: string[] = [];
  #held = 0;

  take(chunk: string): ServerEvent[] {
    const found: ServerEvent[] = [];
    let from = 0;
    for (let end = chunk.indexOf("\n"); end >= 0; end = chunk.indexOf("\n", from)) {
      this.#rest.push(chunk.slice(from, end));
      const line = this.#rest.join("").replace(/\r$/, "");
      this.#rest = [];
      this.#held = 0;
      from = end + 1;
      const event = this.#line(line);
      if (event !== undefined) found.push(event);
    }
    this.#rest.push(chunk.slice(from));
    this.#held += chunk.length - from;
    if (this.#held > LONGEST) throw new Error("an event is larger than any of steward");
    return found;
  }

  #type = "";
  #id: string | undefined;
  #data: string[] = [];

  #line(line: string): ServerEvent | undefined {
    if (line === "") {
      const event = {
        type: this.#type,
        data: this.#data.join("\n"),
        ...(this.#id === undefined ? {} : { id: this.#id }),
      };
      this.#type = "";
      this.#id = undefined;
      this.#data = [];
      return event.data === "" ? undefined : event;
    }
    const colon = line.indexOf(":");
    if (colon <= 0) return undefined;
    const value = line.slice(line.charAt(colon + 1) === " " ? colon + 2 : colon + 1);
    const field = line.slice(0, colon);
    if (field === "event") this.#type = value;
    if (field === "id") this.#id = value;
    if (field === "data") this.#data.push(value);
    return undefined;
  }
}
