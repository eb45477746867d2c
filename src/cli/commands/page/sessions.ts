import { Argument, type Command, Option } from "commander";
import { StewardError } from "../../../message/errors.ts";
import type { SessionView } from "../../../runtime/operate/table/logins.ts";
import { command, type Runner } from "../../command.ts";
import { duration } from "../../input/options.ts";
import { table } from "../../render/table.ts";
import { counted, visible } from "../../render/text.ts";
import type { Times } from "../../render/time.ts";

interface TokenOptions {
  readonly for: string;
  readonly role?: "viewer" | "operator" | "admin";
}

export function addSessions(program: Command, run: Runner): void {
  command(program, "token", {
    summary: "make a token with which another machine may use the API of the page",
    description: `Make a token for a program on this or another machine: it sends \`Authorization: Bearer TOKEN\` to the address of the page. It
speaks in the name of the one who made it. It is printed this once and kept nowhere; it ends after the time of --for, or with
\`steward sessions end ID\`.`,
    examples: [
      ["steward token --for 1h --role viewer", "an hour, for looking alone"],
      ["steward token --for 30d --json", "with its id, for later"],
    ],
  })
    .option("--for <duration>", "how long it is good, from 1m to 30d", "1h")
    .addOption(
      new Option("--role <role>", "no more than this role may; default: all that you may").choices([
        "viewer",
        "operator",
        "admin",
      ]),
    )
    .action(
      run<TokenOptions>(async (cli, options) => {
        const issued = await (await cli.daemon()).issueToken({
          ...(options.role === undefined ? {} : { role: options.role }),
          lasts: duration("--for", options.for),
        });
        if (cli.json) cli.printJson(issued);
        else {
          cli.print(issued.token);
          const until = cli.times(false).at(issued.expiresAt);
          cli.note(
            `  ${cli.err("dim", "→")} end it earlier: steward sessions end ${issued.id}   (${issued.role}, expires ${until})`,
          );
        }
        return undefined;
      }),
    );

  command(program, "sessions", {
    summary: "list who is logged in at the page, and the tokens that are open",
    description: `List the logins of browsers and the tokens that are open; \`end\` ends some of them, with their open pages and streams.`,
    examples: [
      ["steward sessions", "all that are open"],
      ["steward sessions end 5f3a91c07e", "end one"],
      ["steward sessions end all", "end all of them"],
    ],
  })
    .addArgument(new Argument("[verb]", "end: end logins and tokens").choices(["end"]))
    .argument("[id...]", "ids in the column ID, or all")
    .option("--absolute", "print times as ISO 8601")
    .action(
      run<{ readonly absolute?: boolean }>(async (cli, options, [verb, ...ids]) => {
        const daemon = await cli.daemon();
        const sessions = await daemon.sessions();
        if (verb === undefined) {
          if (cli.json) cli.printJson(sessions);
          else if (sessions.length === 0) cli.note("nobody is logged in at the page, and no token is open");
          else cli.print(...table(sessions, sessionColumns(cli.times(options.absolute)), cli.columns));
          return undefined;
        }
        if (ids.length === 0)
          throw new StewardError("usage", {
            fault: "end needs the ids of logins, or all: steward sessions end 5f3a91c07e",
            command: "sessions",
          });
        const meant = ids.includes("all") ? sessions.map(({ id }) => id) : ids;
        for (const id of meant) await daemon.endSession(id);
        if (cli.json) cli.printJson(meant.map((id) => ({ id, done: "end" })));
        else cli.print(`${counted(meant.length, "login")} ended`);
        return undefined;
      }),
    );
}

const KINDS = { page: "browser", token: "token" } as const;

function sessionColumns(times: Times) {
  return [
    { title: "ID", cell: ({ id }: SessionView) => id },
    { title: "KIND", cell: ({ kind }: SessionView) => KINDS[kind] },
    { title: "WHO", cell: ({ by }: SessionView) => visible(by) },
    { title: "ROLE", cell: ({ role }: SessionView) => role },
    { title: "SINCE", cell: ({ createdAt }: SessionView) => times.at(createdAt) },
    { title: "USED", cell: ({ lastUsedAt }: SessionView) => times.at(lastUsedAt) },
    { title: "ENDS", cell: ({ expiresAt }: SessionView) => times.at(expiresAt) },
  ];
}
