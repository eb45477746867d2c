import { Argument, type Command } from "commander";
import { command, type Runner } from "../../command.ts";
import { completionScript, SHELLS, type Shell } from "../../completion/scripts.ts";

export function addCompletion(program: Command, run: Runner): void {
  command(program, "completion", {
    summary: "print the completion script of a shell",
    description:
      "Print the script with which a shell completes commands, options, node names, subjects and message ids.",
    examples: [
      ["source <(steward completion bash)", "in ~/.bashrc"],
      ["source <(steward completion zsh)", "in ~/.zshrc, after compinit"],
      ["steward completion fish | source", "in ~/.config/fish/config.fish"],
    ],
  })
    .addArgument(new Argument("<shell>", "which shell").choices(SHELLS))
    .action(
      run<object>(async (cli, _options, [shell]) => {
        cli.io.stdout.write(completionScript(shell as Shell, program));
        return undefined;
      }),
    );
}
