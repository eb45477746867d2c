import { appendFileSync } from "node:fs";
import { fileFault, StewardError } from "../../message/errors.ts";
import { textOf } from "../../platform/durable-file.ts";
import { daemonText, isSucceeded, nameIn } from "./daemon-name.ts";

/**
 * The daemons to which a person has signed, in a file of the person's own: a line `<name> <socket>` for each, of several for
 * one socket the last counts. Somebody who sits in a daemon's place on the way of its socket can so have nothing signed that
 * another daemon would take. A daemon with new keys is known by the word of its keys before.
 */
export class KnownDaemons {
  readonly #file: string;
  readonly #warn: (text: string) => void;

  /** @param warn told once that the file cannot be written */
  constructor(file: string, warn: (text: string) => void) {
    this.#file = file;
    this.#warn = warn;
  }

  /**
   * The name to sign to, by the answer of the daemon at a socket; from now on it is known. A file that cannot be written
   * keeps nobody from signing, and is told. @throws StewardError `daemon-nameless`, `daemon-changed`, `file-unreadable`
   */
  nameOf(socket: string, header: unknown): string {
    const name = nameIn(header);
    if (name === undefined) throw new StewardError("daemon-nameless", { socket });
    const known = this.#known(socket);
    if (known === name) return name;
    if (known !== undefined && !isSucceeded(known, String(header)))
      throw new StewardError("daemon-changed", {
        socket,
        found: daemonText(name),
        known: daemonText(known),
        file: this.#file,
      });
    this.#remember(name, socket);
    return name;
  }

  #known(socket: string): string | undefined {
    const place = ` ${encodeURI(socket)}`;
    const lines = this.#lines().filter((line) => line.endsWith(place));
    return lines.map((line) => line.slice(0, -place.length)).findLast((name) => nameIn(name) === name);
  }

  #lines(): string[] {
    try {
      return (textOf(this.#file) ?? "").split("\n");
    } catch (error) {
      throw new StewardError("file-unreadable", { file: this.#file, fault: fileFault(error) }, { cause: error });
    }
  }

  #remember(name: string, socket: string): void {
    try {
      appendFileSync(this.#file, `${name} ${encodeURI(socket)}\n`, { mode: 0o600 });
    } catch (error) {
      // A key on a disk that takes no file signs as well: the daemon is then one that was never seen.
      const loss = `the daemon at ${socket} is not remembered, and another one in its place would not be noticed`;
      this.#warn(`${this.#file} cannot be written (${fileFault(error)}): ${loss}`);
    }
  }
}
