/** Calls back once what was written before is durable. All who ask in one turn share one promise, however many they are. */
export class AfterFlush {
  readonly #flushed: () => Promise<void>;
  #promise: Promise<void> | undefined;
  #waiting: Waiting[] = [];

  /** `flushed`: gives the same promise to all who ask in one turn, or to each its own. */
  constructor(flushed: () => Promise<void>) {
    this.#flushed = flushed;
  }

  /** `failed` also hears what `done` throws. */
  add(done: () => void, failed: (error: unknown) => void): void {
    const promise = this.#flushed();
    if (promise !== this.#promise) {
      const waiting: Waiting[] = [];
      this.#promise = promise;
      this.#waiting = waiting;
      promise.then(
        () => {
          this.#forget(promise);
          for (const each of waiting) called(each);
        },
        (error) => {
          this.#forget(promise);
          for (const { failed } of waiting) failed(error);
        },
      );
    }
    this.#waiting.push({ done, failed });
  }

  #forget(promise: Promise<void>): void {
    if (this.#promise === promise) this.#promise = undefined;
  }
}

interface Waiting {
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

function called({ done, failed }: Waiting): void {
  try {
    done();
  } catch (error) {
    failed(error);
  }
}
