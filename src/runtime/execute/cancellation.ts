/** A request to end one command. Most commands are never cancelled, so the signal is made when a method first reads it. */
export class Cancellation {
  #controller: AbortController | undefined;
  #requested = false;

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#requested) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  request(): void {
    this.#requested = true;
    this.#controller?.abort();
  }
}
