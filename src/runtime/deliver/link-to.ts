import type { Config, LinkName, LinkProfile } from "../../config/config.ts";
import { acrossBoth } from "../../config/link-profiles.ts";
import type { Fleet } from "../fleet/fleet.ts";

/** The way of frames to one node: this node's link and the other node's, either of which may change while the daemon runs. */
export class LinkTo {
  readonly #node: string;
  readonly #config: () => Config;
  readonly #fleet: Pick<Fleet, "linkName">;
  #across: { readonly of: LinkProfile; readonly other: LinkName; readonly to: LinkProfile } | undefined;

  constructor(node: string, config: () => Config, fleet: Pick<Fleet, "linkName">) {
    this.#node = node;
    this.#config = config;
    this.#fleet = fleet;
  }

  get profile(): LinkProfile {
    const { link } = this.#config();
    const other = this.#fleet.linkName(this.#node);
    if (other === undefined || other === link.name) return link;
    if (this.#across?.of !== link || this.#across.other !== other)
      this.#across = { of: link, other, to: acrossBoth(link, other) };
    return this.#across.to;
  }
}
