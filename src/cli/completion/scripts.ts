import type { Command } from "commander";
import { commandWords } from "./grammar.ts";

/**
 * The completion scripts of the shells, which hold the commands; `steward __complete` gives options and the names that only
 * the daemon knows, within a third of a second or not at all.
 */
export type Shell = "bash" | "zsh" | "fish";
export const SHELLS: readonly Shell[] = ["bash", "zsh", "fish"];

export function completionScript(shell: Shell, program: Command): string {
  switch (shell) {
    case "bash":
      return bash(commandWords(program).map((word) => word.text));
    case "zsh":
      return zsh(commandWords(program).map(({ text, summary }) => `${text}:${summary}`));
    case "fish":
      return fish(program);
  }
}

function bash(commands: readonly string[]): string {
  return `# steward completion for bash. Load it with:  source <(steward completion bash)
_steward() {
  local IFS=$'\\n' current="\${COMP_WORDS[COMP_CWORD]}" answer word
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ] && [ "\${current#-}" = "$current" ]; then
    COMPREPLY=($(compgen -W $'${commands.join("\\n")}' -- "$current"))
    return
  fi
  answer="$(steward __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1)"
  if [ "$answer" = ":files" ]; then
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -f -- "$current"))
    return
  fi
  # Not \`compgen -W\`, which would expand what the answer holds.
  while IFS= read -r word; do
    case "$word" in "$current"?* | "$current") COMPREPLY+=("$word") ;; esac
  done <<<"$answer"
  if [ -z "$answer" ]; then COMPREPLY=(); fi
  # A list of nodes goes on after a comma.
  case "$answer" in *,*) compopt -o nospace 2>/dev/null ;; esac
}
complete -F _steward steward
`;
}

function zsh(commands: readonly string[]): string {
  return `#compdef steward
# steward completion for zsh. Load it with:  source <(steward completion zsh)
_steward() {
  local -a answer
  if (( CURRENT == 2 )) && [[ "\${words[2]}" != -* ]]; then
    answer=(
${commands.map((line) => `      ${single(line)}`).join("\n")}
    )
    _describe command answer
    return
  fi
  answer=("\${(@f)$(steward __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null | sed -e 's/:/\\\\:/g' -e 's/\\t/:/')}")
  if [[ "\${answer[1]}" == '\\:files'* ]]; then
    _files
    return
  fi
  answer=("\${(@)answer:#}")
  (( \${#answer} )) && _describe value answer
}
(( $+functions[compdef] )) && compdef _steward steward
`;
}

function fish(program: Command): string {
  const commands = commandWords(program).map(
    ({ text, summary }) => `complete -c steward -n __fish_use_subcommand -a ${text} -d ${single(summary)}`,
  );
  return `# steward completion for fish. Load it with:  steward completion fish | source
function __steward_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l answer (steward __complete -- $words[2..-1] 2>/dev/null)
  if test "$answer[1]" = ":files"
    __fish_complete_path (commandline -ct)
  else
    printf '%s\\n' $answer
  end
end
complete -c steward -f
${commands.join("\n")}
complete -c steward -n 'not __fish_use_subcommand' -a '(__steward_complete)'
`;
}

function single(text: string): string {
  return `'${text.replace(/'/g, "'\\''")}'`;
}
