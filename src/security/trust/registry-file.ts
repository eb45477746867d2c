import { join } from "node:path";
import { faultText, StewardError } from "../../message/errors.ts";
import { textOf, writeDurably } from "../../platform/durable-file.ts";
import type { Identity } from "../keys/identity.ts";
import { isSignedBy, type Signed, signBody } from "../keys/signed.ts";
import { type RegistryState, registryFault } from "./registry-state.ts";

/** `registry.json` in central's data directory, signed with central's own key: a change by hand is noticed. */
const FILE = "registry.json";
const PURPOSE = "registry";

export function registryPath(data: string): string {
  return join(data, FILE);
}

/** Reads and verifies a registry file; `undefined`: there is none. @throws StewardError `registry-damaged`, `file-unreadable` */
export function readRegistry(path: string, identity: Identity): RegistryState | undefined {
  let text: string | undefined;
  try {
    text = textOf(path);
  } catch (error) {
    throw new StewardError("file-unreadable", { file: path, fault: faultText(error) }, { cause: error });
  }
  if (text === undefined) return undefined;
  let file: Signed<RegistryState>;
  try {
    file = JSON.parse(text) as Signed<RegistryState>;
  } catch (error) {
    throw new StewardError("registry-damaged", { path, fault: "it is not JSON" }, { cause: error });
  }
  const own = [identity, identity.previous].flatMap((one) => (one === undefined ? [] : [one.keys.sign]));
  const isOwn = typeof file === "object" && file !== null && own.some((key) => isSignedBy(key, PURPOSE, file));
  if (!isOwn) {
    const fault = "it is not signed with the keys of this node: it was changed by hand, or comes from elsewhere";
    throw new StewardError("registry-damaged", { path, fault });
  }
  const fault = registryFault(file.body);
  if (fault !== undefined) throw new StewardError("registry-damaged", { path, fault });
  return file.body;
}

/** The content of a registry file whose signature was not verified, for an operator to look through. @throws StewardError `registry-damaged` */
export function unverified(path: string): RegistryState {
  let body: unknown;
  try {
    body = (JSON.parse(textOf(path) ?? "") as { readonly body?: unknown } | null)?.body;
  } catch (error) {
    throw nothingToSave(path, "it is not there, or is not JSON", error);
  }
  const fault = registryFault(body);
  if (fault !== undefined) throw nothingToSave(path, fault);
  return body as RegistryState;
}

function nothingToSave(path: string, fault: string, cause?: unknown): StewardError {
  const all = `${fault}; nothing in it can be saved: \`steward trust repair --empty --above VERSION\` begins an empty one`;
  return new StewardError("registry-damaged", { path, fault: all }, { cause });
}

/** @throws StewardError `file-unwritable` */
export function writeRegistry(path: string, state: RegistryState, identity: Identity): void {
  try {
    writeDurably(path, `${JSON.stringify(signBody(identity, PURPOSE, state))}\n`);
  } catch (error) {
    throw new StewardError("file-unwritable", { file: path, fault: faultText(error) }, { cause: error });
  }
}
