import type { LinkState } from "../../actors/node.ts";
import type { Happening } from "../../message/happening.ts";
import { CONTROL_DOMAIN, parseSubject } from "../../message/subject.ts";
import type { Cli } from "../cli.ts";
import type { Colour } from "../render/paint.ts";
import { linkState, messageState } from "../render/states.ts";
import { bare, visible, width } from "../render/text.ts";
import { cutTo } from "../render/width.ts";

/** The output of the demo: headings, and one line for each change with the seconds since the start. With --json: one event a line. */
const UNWATCHED = 124;
const INDENT = "  ";

export class Screen {
  readonly #cli: Cli;
  readonly #began: number;
  /** Output of commands, shown beside their ends. */
  readonly #outputs = new Map<string, string>();
  #closed = false;

  constructor(cli: Cli) {
    this.#cli = cli;
    this.#began = cli.io.clock.monotonic();
  }

  get seconds(): number {
    return (this.#cli.io.clock.monotonic() - this.#began) / 1000;
  }

  heading(text: string): void {
    this.lines("", this.#cli.out("bold", text));
  }

  lines(...lines: readonly string[]): void {
    if (!this.#cli.json) this.#cli.print(...lines);
  }

  block(lines: readonly string[]): void {
    this.lines(...lines.map((line) => (line === "" ? "" : `${INDENT}${line}`)));
  }

  /** Columns inside of a block. */
  get columns(): number {
    return (this.#cli.columns ?? UNWATCHED) - INDENT.length;
  }

  /** Ends the printing of changes. */
  close(): void {
    this.#closed = true;
  }

  paint(colour: Colour, text: string): string {
    return this.#cli.out(colour, text);
  }

  change(node: string, what: string, detail: string): void {
    const at = this.#cli.out("dim", `${this.seconds.toFixed(2).padStart(6)} s`);
    const head = `${INDENT}${at}  ${node.padEnd(7)}  ${what}${" ".repeat(Math.max(0, 12 - width(what)))}`;
    const room = (this.#cli.columns ?? UNWATCHED) - width(head) - 2;
    this.lines(detail === "" ? head.trimEnd() : `${head}  ${cutTo(bare(detail), Math.max(20, room))}`);
  }

  happening(happening: Happening): void {
    if (this.#closed) return;
    const { out, json } = this.#cli;
    if (json) {
      if (happening.type !== "transition") this.#cli.printJsonLine(happening);
      return;
    }
    switch (happening.type) {
      case "node":
        if (happening.region === "link") {
          const cause = happening.to === "online" ? "" : happening.cause;
          this.change(happening.name, linkState(happening.to as LinkState, out), cause);
        }
        return;
      case "output": {
        const text = happening.parts.filter((part) => part.stream === "stdout").map((part) => part.text);
        this.#outputs.set(happening.id, (this.#outputs.get(happening.id) ?? "") + text.join(""));
        return;
      }
      case "message": {
        const { node, kind, domain } = parseSubject(happening.subject);
        if (kind === "event" || domain === CONTROL_DOMAIN) return;
        const said = this.#outputs.get(happening.id)?.trim().split("\n").at(-1) ?? "";
        const otherwise = happening.state === "queued" ? happening.id : "";
        this.change(
          node,
          messageState(happening.state, out),
          visible(happening.reason ?? (said === "" ? otherwise : said)),
        );
        return;
      }
      case "log":
        for (const line of happening.lines) {
          const [, request, status] = /"([^"]*)" (\d{3}) /.exec(line) ?? [];
          const short = request === undefined ? line : `${request} → ${status}`;
          this.change(happening.node, out("cyan", `≡ ${happening.domain}`), visible(short));
        }
        return;
      case "alert":
        this.change(happening.node, out("red", "! alert"), visible(happening.text));
        return;
      default:
    }
  }
}
