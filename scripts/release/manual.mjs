/**
 * The manual page steward(1), made from the commands themselves, so that it says what `--help` says.
 */
const LITERAL = /^(?:\s|$)/;

/** `program`: that of commander; the page as roff. */
export function manual(program, version, epoch) {
  const date = new Date(epoch * 1000).toISOString().slice(0, 10);
  const help = program.createHelp();
  return [
    `.TH STEWARD 1 ${quoted(date)} ${quoted(`steward ${version}`)} ${quoted("User Commands")}`,
    ".nh",
    ".SH NAME",
    "steward \\- commands and watches machines that are hard to reach",
    ".SH SYNOPSIS",
    "\\fBsteward\\fR [\\fIoptions\\fR] \\fIcommand\\fR [\\fIarguments\\fR]",
    ".SH DESCRIPTION",
    ...prose(program.description()),
    ".PP",
    ...prose(afterHelp(program)),
    ".SH GLOBAL OPTIONS",
    "Every command takes these.",
    ...options(program),
    ".SH COMMANDS",
    ...help.visibleCommands(program).flatMap((command) => section(command, ["steward"])),
    ".SH ENVIRONMENT",
    ...ENVIRONMENT.flatMap(([name, text]) => [".TP", `\\fB${escaped(name)}\\fR`, ...prose(text)]),
    ".SH FILES",
    ...FILES.flatMap(([name, text]) => [".TP", `\\fI${escaped(name)}\\fR`, ...prose(text)]),
    "",
  ].join("\n");
}

const ENVIRONMENT = [
  ["STEWARD_CONFIG", "The configuration file, where --config does not name one."],
  ["STEWARD_SOCKET", "The daemon's socket, where --socket does not name one."],
  ["STEWARD_NATS_SERVER", "The nats-server that an embedded broker runs; by default the first one on PATH."],
  ["STEWARD_NODE", "The Node.js that runs steward; by default the first one on PATH."],
  ["NO_COLOR", "Nothing is printed in colour."],
];

const FILES = [
  ["/etc/steward/steward.yaml", "The configuration of the service. Write one with: steward init --service"],
  [
    "/etc/steward/environment",
    "Variables that the configuration names, such as the password at the broker; root's alone.",
  ],
  ["/var/lib/steward", "Journal, output of commands, logs that were forwarded here."],
  ["/run/steward/steward.sock", "The socket of the service, for root and the group steward."],
];

function section(command, parents) {
  const help = command.createHelp();
  const children = help.visibleCommands(command).filter((child) => child.name() !== "help");
  const names = [...parents, command.name()];
  const own = [
    `.SS ${quoted(`${parents.join(" ")} ${command.name()} ${command.usage()}`.replace(/\s*\[options\]/, "").trim())}`,
    ...prose(command.description() || command.summary()),
    ...help
      .visibleArguments(command)
      .flatMap((argument) => [
        ".TP",
        `\\fI${escaped(argument.name())}\\fR`,
        ...prose(help.argumentDescription(argument)),
      ]),
    ...options(command),
    ".PP",
    ...prose(afterHelp(command)),
  ];
  return [...own, ...children.flatMap((child) => section(child, names))];
}

function options(command) {
  const help = command.createHelp();
  return help
    .visibleOptions(command)
    .filter((option) => command.parent === null || option.long !== "--help")
    .flatMap((option) => [
      ".TP",
      `\\fB${escaped(help.optionTerm(option))}\\fR`,
      ...prose(help.optionDescription(option)),
    ]);
}

/** What was added below the help: examples, exit codes. */
function afterHelp(command) {
  let text = "";
  const write = (chunk) => {
    text += chunk;
  };
  command.emit("afterHelp", { error: false, command, write });
  return text;
}

/** Paragraphs are filled; indented lines stay as they are. */
function prose(text) {
  return text
    .trim()
    .split("\n")
    .reduce((lines, line, i, all) => {
      const literal = LITERAL.test(line) && line.trim() !== "";
      const before = i > 0 && /^\s+\S/.test(all[i - 1]);
      if (literal && !before) lines.push(".PP", ".nf");
      if (!literal && before) lines.push(".fi");
      if (line.trim() === "") lines.push(".PP");
      else lines.push(textLine(literal ? line : line.trim()));
      if (literal && i === all.length - 1) lines.push(".fi");
      return lines;
    }, []);
}

/** A line that begins like a request is text all the same. */
function textLine(text) {
  return /^[.']/.test(text) ? `\\&${escaped(text)}` : escaped(text);
}

function escaped(text) {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replace(/[^\t\n -~]/gu, glyph);
}

function quoted(text) {
  return `"${escaped(text).replaceAll('"', "\\(dq")}"`;
}

/** The name by which a formatter knows a letter that is not in ASCII. */
function glyph(letter) {
  return `\\[u${letter.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}]`;
}
