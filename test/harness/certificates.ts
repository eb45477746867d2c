import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { tempDir } from "./temp.ts";

/** A certificate and its private key, as files. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority of a test, made by openssl. Its files are gone when the test is over. */
export interface Authority {
  readonly ca: string;
  /** A certificate for 127.0.0.1, good for server and client. */
  issue(name: string): Certificate;
}

export async function authority(): Promise<Authority> {
  const directory = await tempDir();
  const file = (name: string): string => join(directory, name);
  const openssl = (...args: string[]): unknown => execFileSync("openssl", args, { stdio: "pipe", cwd: directory });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  openssl("req", "-x509", ...key, "-days", "2", "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.pem");
  return {
    ca: file("ca.pem"),
    issue(name) {
      const request = ["-subj", `/CN=${name}`, "-keyout", `${name}.key`, "-out", `${name}.csr`];
      openssl("req", ...key, ...request, "-addext", "subjectAltName=IP:127.0.0.1");
      const signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-copy_extensions", "copy"];
      openssl("x509", "-req", "-in", `${name}.csr`, ...signed, "-out", `${name}.pem`);
      return { cert: file(`${name}.pem`), key: file(`${name}.key`) };
    },
  };
}
