import type { Clock } from "../../message/clock.ts";
import { faultText, StewardError } from "../../message/errors.ts";
import type { Frame } from "../../message/wire/frame.ts";
import type { EventHandler } from "../../methods/define.ts";
import type { Logger } from "../../platform/logger.ts";
import { pathIn } from "../../platform/names.ts";
import type { Routes } from "./routes.ts";

export interface TransientsOptions {
  readonly node: string;
  /** The data directory: methods keep their files below it. */
  readonly data: string;
  readonly routes: Routes;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Handles messages outside of all lanes, such as presence: at once, without the journal. */
export class Transients {
  readonly #options: TransientsOptions;

  constructor(options: TransientsOptions) {
    this.#options = options;
  }

  /** @throws StewardError why the message is not handled */
  async handle(subject: string, frame: Frame): Promise<void> {
    const { routes, node, clock, log, data } = this.#options;
    const route = routes.find(subject);
    if (route.method.event?.transient !== true)
      throw new StewardError("frame-malformed", { subject, fault: "its messages have no sequence numbers" });
    const items = frame.items.flatMap((item) => ("data" in item ? [item] : []));
    let handler: EventHandler | undefined;
    for (const { data } of items) {
      try {
        handler = route.admit(frame, data).event;
      } catch (error) {
        if (error instanceof StewardError) throw error;
        const { name: method } = route.method;
        throw new StewardError("data-invalid", { method, fault: faultText(error) }, { cause: error });
      }
    }
    const context = {
      node,
      origin: frame.origin,
      domain: route.config.domain,
      checkpoint: undefined,
      directory: pathIn(data, route.method.name),
      clock,
      log,
    };
    await handler?.handle(
      items.map(({ id, createdAt, data }) => ({ id, createdAt, data })),
      context,
    );
  }
}
