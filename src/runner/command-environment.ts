import { isNamed, LOCALE } from "../message/text/variables.ts";

/** Variables of steward's own: some of them hold secrets, and none of them is meant for a command. */
const OWN = /^STEWARD_/;

/** Variables that every command gets from the daemon, where the daemon has them. */
const USUAL: readonly string[] = ["PATH", "HOME", "USER", "LOGNAME", "SHELL", ...LOCALE];
/** The search path of a daemon that was started without one. */
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The environment of the daemon without what is steward's own, and without `withheld`. */
export function commandEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  withheld: readonly string[],
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      value === undefined || OWN.test(name) || withheld.includes(name) ? [] : [[name, value]],
    ),
  );
}

/** The usual variables of an environment, and those that `keep` names. */
export function cleanEnvironment(
  env: Readonly<Record<string, string>>,
  keep: readonly string[],
): Record<string, string> {
  const kept = [...USUAL, ...keep];
  return { PATH, ...Object.fromEntries(Object.entries(env).filter(([name]) => isNamed(name, kept))) };
}
