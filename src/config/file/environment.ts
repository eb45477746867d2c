export type Environment = Readonly<Record<string, string | undefined>>;

/** Fills `${NAME}` in a secret from the environment; `$${` stands for `${` itself. The fault never shows the value. */
export function expand(text: string, env: Environment): { readonly value: string } | { readonly fault: string } {
  let fault: string | undefined;
  const value = text.replace(/\$\$\{|\$\{([^}]*)\}?/g, (whole, name: string | undefined) => {
    if (name === undefined) return "${";
    if (!whole.endsWith("}") || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      fault ??= `expected \${NAME} with the name of an environment variable; write $\${ for the two characters themselves`;
      return "";
    }
    const found = env[name];
    if (found === undefined) fault ??= `the environment variable ${name} is not set`;
    else if (found.includes("\uFFFD")) fault ??= `the environment variable ${name} holds bytes that are not UTF-8 text`;
    else if (found === "") fault ??= `the environment variable ${name} is empty`;
    return found ?? "";
  });
  return fault === undefined ? { value } : { fault };
}

/** The names of the environment variables that `expand` would fill in. */
export function namesIn(text: string): string[] {
  return [...text.matchAll(/\$\$\{|\$\{([^}]*)\}/g)].flatMap(([, name]) => (name === undefined ? [] : [name]));
}
