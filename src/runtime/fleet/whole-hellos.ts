import type { BriefHello, Hello } from "../../methods/hello.ts";
import { isBrief } from "../../methods/hello.ts";

/** The most lives of one name that are remembered: two hosts with one name by mistake speak in turn. */
const LIVES = 4;

/** The last whole hello of each node, by the life of its daemon: a brief hello stands for it. */
export class WholeHellos {
  readonly #known = new Map<string, Map<string, Hello>>();

  /** The whole form of a hello. `undefined`: this daemon has heard no whole one of that life. */
  completed(name: string, hello: Hello | BriefHello, saidAt: number): Hello | undefined {
    if (isBrief(hello)) {
      const whole = this.#known.get(name)?.get(hello.life);
      return whole === undefined ? undefined : { ...whole, now: saidAt };
    }
    const lives = this.#known.get(name) ?? new Map<string, Hello>();
    lives.delete(hello.life);
    lives.set(hello.life, hello);
    const [oldest] = lives.keys();
    if (lives.size > LIVES && oldest !== undefined) lives.delete(oldest);
    this.#known.set(name, lives);
    return hello;
  }
}
