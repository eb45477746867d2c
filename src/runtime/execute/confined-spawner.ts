import { faultText, StewardError } from "../../message/errors.ts";
import type { OutputListener, Run, RunSpec, Spawner } from "../../methods/spawner.ts";
import type { Confinement } from "../../security/confinement.ts";

export interface ConfinedSpawnerOptions {
  readonly node: string;
  readonly confinement: Confinement;
  /** Hears why nothing can be started on this subject, or (`undefined`) that it can. */
  readonly blocked: (fault: string | undefined) => void;
}

/** The spawner that the methods of one subject get: whichever method starts a program, it runs within the bounds of the subject. */
export class ConfinedSpawner implements Spawner {
  readonly #spawner: Spawner;
  readonly #options: ConfinedSpawnerOptions;

  constructor(spawner: Spawner, options: ConfinedSpawnerOptions) {
    this.#spawner = spawner;
    this.#options = options;
  }

  refusal(spec: RunSpec): string | undefined {
    const { confinement, blocked } = this.#options;
    blocked(confinement.fault);
    return confinement.refusal(spec);
  }

  /** @throws StewardError `command-refused`, and what the spawner throws */
  start(spec: RunSpec, onOutput: OutputListener): Promise<Run> {
    let confined: RunSpec;
    try {
      confined = this.#options.confinement.confined(spec);
    } catch (error) {
      const { node } = this.#options;
      return Promise.reject(new StewardError("command-refused", { node, fault: faultText(error) }, { cause: error }));
    }
    return this.#spawner.start(confined, onOutput);
  }

  prepare(id: string): Promise<void> {
    return this.#spawner.prepare(id);
  }

  isOnlyPrepared(id: string): Promise<boolean> {
    return this.#spawner.isOnlyPrepared(id);
  }

  adopt(id: string, onOutput: OutputListener): Promise<Run | undefined> {
    return this.#spawner.adopt(id, onOutput);
  }

  forget(id: string): Promise<void> {
    return this.#spawner.forget(id);
  }

  recorded(): Promise<readonly string[]> {
    return this.#spawner.recorded();
  }

  close(): Promise<void> {
    return this.#spawner.close();
  }
}
