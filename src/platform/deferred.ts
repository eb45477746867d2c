/** A promise that somebody else settles. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  settled: boolean;
  resolve(value: T): void;
  reject(error: unknown): void;
}

export function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  // A rejection that no one waits for is no defect.
  promise.catch(() => undefined);
  const own: Deferred<T> = {
    promise,
    settled: false,
    resolve: (value) => {
      own.settled = true;
      resolve(value);
    },
    reject: (error) => {
      own.settled = true;
      reject(error);
    },
  };
  return own;
}
