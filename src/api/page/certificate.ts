import { X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { createSecureContext } from "node:tls";
import type { Clock, Timer } from "../../message/clock.ts";
import { faultText, StewardError } from "../../message/errors.ts";

/**
 * The certificate of HTTPS and its private key, read again when one of the files changes: a renewed certificate needs no
 * restart. Files that do not fit together are told once, and the ones before stay in use.
 */
export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

export interface Pair {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly leaf: X509Certificate;
}

const LOOK_EVERY = 10_000;

export class Certificate {
  readonly #files: CertificateFiles;
  readonly #clock: Clock;
  #pair: Pair;
  #seen: string;
  #timer: Timer | undefined;

  /** @throws StewardError `certificate-unusable` */
  constructor(files: CertificateFiles, clock: Clock) {
    this.#files = files;
    this.#clock = clock;
    this.#seen = stampOf(files);
    this.#pair = read(files);
  }

  get pair(): Pair {
    return this.#pair;
  }

  /** Looks at the files now and then, until `end`. */
  follow(renewed: (pair: Pair) => void, failed: (error: unknown) => void): void {
    this.#timer = this.#clock.setTimeout(() => {
      const seen = stampOf(this.#files);
      if (seen !== this.#seen) {
        this.#seen = seen;
        try {
          this.#pair = read(this.#files);
          renewed(this.#pair);
        } catch (error) {
          failed(error);
        }
      }
      this.follow(renewed, failed);
    }, LOOK_EVERY);
  }

  end(): void {
    this.#clock.clearTimeout(this.#timer);
  }
}

function stampOf({ certificate, key }: CertificateFiles): string {
  return [certificate, key]
    .map((file) => {
      const stat = statSync(file, { throwIfNoEntry: false });
      return stat === undefined ? "none" : `${stat.ino} ${stat.size} ${stat.mtimeMs}`;
    })
    .join(", ");
}

function read({ certificate, key: keyFile }: CertificateFiles): Pair {
  try {
    const cert = readFileSync(certificate);
    const key = readFileSync(keyFile);
    createSecureContext({ cert, key });
    return { cert, key, leaf: new X509Certificate(cert) };
  } catch (error) {
    throw new StewardError("certificate-unusable", { certificate, key: keyFile, fault: faultText(error) });
  }
}
