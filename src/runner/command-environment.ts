/** Variables of steward's own: some of them hold secrets, and none of them is meant for a command. */
const OWN = /^STEWARD_/;

/** The environment that commands start from: that of the daemon without what is steward's own, and without `withheld`. */
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
