import { printable } from "./text/printable.ts";

/**
 * Every error that steward itself raises: one class, one catalogue. `code` is stable and what decisions read; the sentence
 * is for people and nothing depends on its text. `docs/errors.md` is generated from this file.
 */

/** Exit codes of the command line. */
export const EXIT = { ok: 0, someFailed: 1, usage: 2, notDelivered: 3, cancelled: 4, noDaemon: 5 } as const;

interface Entry {
  /** The event; `{name}` is replaced by the detail of that name. */
  readonly sentence: string;
  /** The thing to do, or to type, next. */
  readonly remedy: string;
  readonly exit: number;
  /** Caused by the surroundings, and over when they are mended: the caller tries again. See surroundings.ts. */
  readonly passes?: true;
}

const entry = (sentence: string, remedy: string, exit: number = EXIT.someFailed): Entry => ({ sentence, remedy, exit });
const passing = (...words: Parameters<typeof entry>) => ({ ...entry(...words), passes: true }) as const;

export const CATALOGUE = {
  // Faults of what a user writes
  usage: entry("{fault}", "See `steward {command} --help`.", EXIT.usage),
  "subject-invalid": entry(
    "{subject} is not a subject: {fault}",
    "Write <node>.<command|event>.<method>.<domain>, for example ship1.command.shellcommand.operatingsystem.",
    EXIT.usage,
  ),
  "target-invalid": entry(
    "{target} is not a target: {fault}",
    "Write a node (ship1), several with commas between them, a pattern ('ship*'), a group (@north), all, or an expression in quotes ('class=tanker and online'): docs/targets.md.",
    EXIT.usage,
  ),
  "target-empty": entry(
    "{target} means no node: {fault}",
    "`steward nodes --filter '{target}'` tries a target out; `steward nodes` lists all nodes.",
    EXIT.usage,
  ),
  "target-large": entry(
    "{target} means {count} nodes, and {most} are allowed without a question (limits.targets)",
    "Add --yes to the command (in a message file or a request `most: {count}`) if all of them are meant; --dry-run lists them.",
    EXIT.usage,
  ),
  "job-invalid": entry(
    "this job cannot be: {fault}",
    "`steward run --help` and docs/jobs.md show how waves, bounds, times and windows are written. Nothing was sent.",
    EXIT.usage,
  ),
  "job-unknown": entry("there is no job {id}", "`steward jobs` lists the jobs.", EXIT.usage),
  "job-state": entry(
    "{verb} is not possible for job {id}: it is {state}",
    "`steward job {id}` shows how it stands and what it waits for.",
  ),
  "queue-order": entry(
    "{id} cannot be moved ahead: {fault}",
    "`steward queue NODE` shows what waits for a node, and why. Nothing was moved.",
  ),
  "job-none-left": entry(
    "job {id} has no node that is {of}",
    "`steward job {id}` shows what became of its nodes.",
    EXIT.usage,
  ),
  "label-invalid": entry(
    "this label cannot be given: {fault}",
    "Write `steward label NODE key=value` to give a label, `key-` to take it back.",
    EXIT.usage,
  ),
  "hold-invalid": entry(
    "the nodes cannot be held: {fault}",
    'Write `steward hold NODE --until "tomorrow 06:00"` at central; `steward hold` lists what is held.',
    EXIT.usage,
  ),
  "mute-invalid": entry(
    "the nodes cannot be muted: {fault}",
    'Write `steward mute NODE 2d "dry dock"` at central; `steward mute` lists what is muted.',
    EXIT.usage,
  ),
  "destination-unknown": entry(
    "steward.yaml has no destination {destination}",
    "Add it under `destinations:`, or name one that is there; docs/alerts.md.",
    EXIT.usage,
  ),
  "errand-unknown": entry("no errand has the id {id}", "`steward errands` lists those that wait.", EXIT.usage),
  "message-invalid": entry(
    "message {where} is not valid: {fault}",
    "`steward send --help` shows both forms of a message.",
    EXIT.usage,
  ),
  "message-too-large": entry(
    "the message for {subject} is {bytes} bytes, {limit} are allowed",
    "Send less at once, or raise limits.messageBytes in steward.yaml on both ends, below the broker's max_payload.",
    EXIT.usage,
  ),
  "duration-invalid": entry(
    "{text} is not a duration",
    "Write a number and a unit: 500ms, 10s, 5m, 2h, 7d.",
    EXIT.usage,
  ),
  "config-invalid": entry(
    "{file} is not a valid configuration; faults found: {count}\n{faults}",
    "Correct these lines; `steward config check` tests the file.",
    EXIT.usage,
  ),
  "config-unreadable": entry(
    "cannot read {file}: {fault}",
    "Name the file with --config (or the daemon's socket with --socket), or make one with `steward init`.",
    EXIT.usage,
  ),
  "text-invalid": entry(
    "{where} cannot be sent: {fault}",
    "steward carries UTF-8: convert it (iconv -f latin1 -t utf8), or let the node's shell make the bytes: --script -- \"printf 'caf\\351'\".",
    EXIT.usage,
  ),
  "file-unreadable": entry("cannot read {file}: {fault}", "Check the path and its permissions.", EXIT.usage),

  // Permissions, and things that do not exist
  "method-unknown": entry(
    "node {node} has no method {method}",
    "{node} has these methods: {known}. Check the spelling, or load the method under `methods:` in the steward.yaml of {node}.",
  ),
  "node-unknown": entry(
    "no node is called {node}",
    "`steward nodes` lists the known nodes. To send to a node that was never heard of, name it under `nodes:` in steward.yaml, or add --new to `steward run` or `steward send`.",
    EXIT.usage,
  ),
  "subject-not-subscribed": entry(
    "node {node} does not subscribe to {subject}",
    "Add the subject under `subscribe:` in the steward.yaml of {node}.",
  ),
  "permission-denied": entry(
    "{origin} may not send to {subject}: {fault}",
    "Change that line in the steward.yaml of the node that receives it, or the policy of central; `steward may` tells what a node would take.",
  ),
  // Operators
  "role-denied": entry(
    "{who} has {has}, and this needs the role {needs} ({operation})",
    "{remedy}. `steward whoami` shows who you are taken for.",
  ),
  "reach-denied": entry(
    "{who} may not send {subject} to {node}: {fault}",
    "`steward whoami` shows what you may do; an admin changes it with `steward operator add {operator} … --replace`.",
  ),
  "approval-unnamed": entry(
    "this needs two people, and the users of the socket have no names ({rule})",
    "Sign with your own key: --as or STEWARD_OPERATOR_KEY; `steward operator key` makes one.",
  ),
  "approval-own": entry(
    "{operator} asked for {id}, and somebody else has to approve it",
    "Ask another operator to type `steward approve {id}`; `steward cancel {id}` takes it back.",
  ),
  "approval-none": entry(
    "{id} cannot be approved or refused: {fault}",
    "`steward approvals` lists the requests that wait.",
    EXIT.usage,
  ),
  "operator-exists": entry(
    "{operator} is an operator already, with the role {role}",
    "Add --replace to give {operator} another role or other bounds; `steward operator show {operator}` shows the present ones.",
    EXIT.usage,
  ),
  "operator-absent": entry(
    "there is no operator {operator}",
    "`steward operator list` lists the operators; `steward operator add {operator} …` adds one.",
    EXIT.usage,
  ),
  "operator-key-differs": entry(
    "{operator} has the key {key}, and gets no other one by this command",
    "Whoever has that key changes it: `steward operator rekey`. If it is lost, remove {operator} and add the person under another name: nodes never take a second key for a name.",
    EXIT.usage,
  ),
  "command-signature": entry(
    "the signature of {operator} on this command is not taken: {fault}",
    "Send the command again; `steward whoami --as {operator}` and `steward operator show {operator}` show what {operator} may do.",
  ),
  "signature-refused": entry(
    "the signature on this request is not taken: {fault}",
    "Type the command again; check the clocks of this machine and of the daemon's, and the file of your key.",
  ),
  "daemon-nameless": entry(
    "the daemon at {socket} does not say who it is, and nothing is signed for it",
    "It is of an older version of steward, or no steward at all: bring it to this version, or leave STEWARD_OPERATOR_KEY and --as out.",
  ),
  "daemon-changed": entry(
    "the daemon at {socket} has the key {found}; when you last signed for it, it had {known}",
    "If it was set up anew, or got new keys long ago, take the lines of that socket out of {file}. Else somebody sits in its place: sign nothing there, and tell an admin.",
  ),
  "operator-unknown": entry(
    "no operator here has the key {key}",
    "An admin types on {central}: `steward operator add NAME --role viewer|operator|admin --key {key}`. Without STEWARD_OPERATOR_KEY and --as you speak as the users of the socket.",
  ),
  "operator-removed": entry(
    "the key of {operator} is no longer taken: {fault}",
    "With a new key of yours, sign with that one, and log in at the page again: `steward open`. Else ask an admin; on {central} `steward operator list` shows who has which key.",
  ),
  "operator-key-unsafe": entry(
    "the key of an operator in {file} is not safe: {fault}",
    "Type `{command}`. If others may have read the key, make another one: `steward operator rekey`.",
    EXIT.usage,
  ),
  "operator-key-unreadable": entry(
    "the key of an operator in {file} cannot be used: {fault}",
    "`steward operator key` makes one; name its file with --as or STEWARD_OPERATOR_KEY.",
    EXIT.usage,
  ),
  "command-refused": entry(
    "{node} may not run it: {fault}",
    "Change `run` of that subject, or `secrets`, in the steward.yaml of {node}, or ask for less.",
  ),
  "name-refused": passing(
    "{name} cannot name a file in {folder}: {fault}",
    "Give it a plain name; a link or a folder that stands there under this name has to go.",
  ),
  "signature-invalid": entry(
    "a frame that claims to come from {origin} could not be verified: {fault}",
    "Find out who sends in the name of {origin}: only your own nodes may connect to the broker.",
  ),
  "identity-unsafe": entry(
    "the keys of this node at {path} are not safe: {fault}",
    "Type `{command}`. If others may have read the keys, give the node new ones: `steward rekey`.",
  ),
  "identity-damaged": entry(
    "the key of this node in {file} cannot be used: {fault}",
    "Put the file back from a backup. Without one, move its folder away: the node makes new keys at its next start, and must be accepted again.",
  ),
  "sender-unknown": entry(
    "a packet on {subject} is sealed with the key {key}, and no node that this one knows has it",
    "If the sender is a node of yours, enrol it: `steward invite NODE` at central, then `steward join TOKEN` on the node.",
  ),
  "sender-revoked": entry(
    "a packet on {subject} came from {origin}, whose keys are {standing}: it is not taken",
    "`steward trust` shows who is trusted; `steward accept {origin}` at central lets the node in.",
  ),
  "receiver-unknown": entry(
    "no accepted key of {node} is known here: what is sent to it waits",
    "`steward trust` shows who is trusted; enrol the node with `steward invite {node}` at central.",
  ),
  "seal-invalid": entry(
    "a packet on {subject} that names {origin} as its sender cannot be opened: {fault}",
    "The packet was changed on its way, or was sealed for another node or subject. If it happens often, look who may publish at the broker.",
  ),
  "session-unknown": entry(
    "a packet of {origin} on {subject} was sealed for an earlier life of this daemon",
    "No need to act: {origin} seals it again and sends it. If it happens without end, two machines run as one node.",
  ),
  replayed: entry(
    "a packet of {origin} on {subject} came a second time, or after later ones: it is not taken",
    "If it happens often, somebody publishes recorded packets again: look who may publish at the broker.",
  ),
  "clear-refused": entry(
    "a packet on {subject} came in the clear, and this node takes sealed ones only",
    "Its sender has an older steward, or `security: off`: upgrade it and let it seal.",
  ),
  "sealed-refused": entry(
    "a sealed packet came on {subject}, and this node has `security: off`",
    "Set `security: sealed` in the steward.yaml of this node, and enrol it.",
  ),
  "node-not-admitted": entry(
    "{origin} is not listed under `nodes:`, and {limit} unlisted nodes are known already: messages of {origin} are not taken",
    "List {origin} under `nodes:` in steward.yaml, or raise limits.nodes; until then {origin} keeps its messages.",
  ),
  "node-cloned": entry(
    "cloned node: {why}; no message is sent to or taken from these machines until one of them is gone",
    "Stop the clone. To keep both machines, give one of them another `node` name and an empty data directory.",
  ),
  "lane-not-admitted": entry(
    "{origin} may begin no further lane: {held} lanes of {of} are remembered already",
    "If {origin} did not lose its disk that often, somebody sends in its name. List {origin} under `nodes:`, or raise limits.lanes.",
  ),
  "data-invalid": entry(
    "the data for {method} is not valid: {fault}",
    "Correct the data. Those of shellcommand are a list, the program and its arguments: `steward send --help`.",
  ),
  "deadline-passed": entry("{subject} was not started before its deadline", "Send it again with a later --deliver-by."),

  // Enrolment
  "token-damaged": entry(
    "this is no whole token: {fault}",
    "Copy the token whole, from `steward-1.` to its end, in one line; or make another at the management station: `steward invite NODE`.",
    EXIT.usage,
  ),
  "token-expired": entry(
    "the token for {node} expired at {at} UTC",
    "Make another at the management station: `steward invite {node}`.",
  ),
  "token-spent": entry(
    "the token for {node} was used at {at} UTC, by the machine with the fingerprint {fingerprint}: a token enrols one machine",
    "If that machine is yours, invite this one under another name: `steward invite OTHER`. If not, type `steward revoke {node}` at the management station now.",
  ),
  "token-unknown": entry(
    "the management station knows no such invitation for {node}",
    "The invitation was withdrawn, or a newer one took its place. Make another at the management station: `steward invite {node}`.",
  ),
  "token-other-node": entry(
    "the token is for {meant}, and this machine calls itself {node}",
    "Invite this machine at the management station: `steward invite {node}`; or join in another directory, where no steward.yaml names {node}.",
  ),
  "node-enrolled": entry(
    "{node} is enrolled already, with the fingerprint {fingerprint}",
    "Choose another name. If this machine takes its place (a lost disk, a new computer), say so: add --replace to `steward invite {node}` or `steward accept {node}`.",
  ),
  "machine-refused": entry(
    "the machine with the fingerprint {fingerprint} cannot enrol as {node}: its keys are {standing}",
    "If that was by mistake, type at the management station: `steward accept {node}`. Else give the machine new keys: move `identity` in its data directory away.",
  ),
  "pending-full": entry(
    "no more machines may wait to be accepted: {limit} wait already, or several under the name {node}",
    "At the management station, `steward trust` lists them: accept or reject them; or use a token: `steward invite {node}`.",
  ),
  "node-not-pending": entry(
    "no machine waits to be accepted as {node}",
    "`steward trust` lists those that wait. A machine waits while its daemon runs with `centralKey` in its steward.yaml; or use a token: `steward invite {node}`.",
    EXIT.usage,
  ),
  "pending-ambiguous": entry(
    "{count} machines wait to be accepted as {node}: {fingerprints}",
    "Compare with the fingerprint that the machine shows (`steward trust` there), and name it: `steward accept {node} --fingerprint FINGERPRINT`.",
    EXIT.usage,
  ),
  "fingerprint-differs": entry(
    "no machine with the fingerprint {wanted} waits as {node}; known are: {fingerprints}",
    "Read the fingerprint again on the machine itself: `steward trust` there. Accept only the machine that shows the same.",
    EXIT.usage,
  ),
  "node-not-trusted": entry(
    "no node called {node} is enrolled",
    "`steward trust` lists the enrolled nodes and those that wait.",
    EXIT.usage,
  ),
  "not-central": entry(
    "{node} is not the management station, and only that decides who is trusted",
    "Type this command on {central}.",
    EXIT.usage,
  ),
  "security-off": entry(
    "this node has `security: off`: it trusts every sender, and there is nothing to enrol",
    "Set `security: sealed` in its steward.yaml, and start its daemon again.",
    EXIT.usage,
  ),
  "broker-local": entry(
    "the broker of this machine listens on {host} only: no other machine can reach it",
    "Let it listen: `embedded: {host: 0.0.0.0, port: 4222}` under `broker:` in steward.yaml, then start the daemon again. For a node on this machine: add --address {host}.",
    EXIT.usage,
  ),
  "introduction-invalid": entry(
    "a machine that introduced itself could not be verified: {fault}",
    "If it is yours, compare its `centralKey` with the keys that `steward trust` shows at the management station.",
  ),
  "introduction-limited": entry(
    "more machines introduce themselves than {limit} a second: the rest is not heard",
    "No need to act if many machines join at once: they try again. Else look who may publish at the broker.",
  ),
  "enrolment-refused": entry("{central} does not enrol this machine: {reason}", "It says: {remedy}."),
  "central-silent": entry(
    "{central} did not answer within {seconds} s",
    "See that its daemon runs and has the same broker. This machine asks again by itself once its daemon runs: `steward up`.",
    EXIT.notDelivered,
  ),
  "registry-damaged": entry(
    "the registry of trusted nodes in {path} cannot be used: {fault}",
    "Put the file back from the newest backup. Without one type `steward trust repair`, which shows what can be saved.",
  ),
  "registry-older": entry(
    "the registry of trusted nodes in {path} is an older one: it has version {version}, and this node has had version {known}",
    "Nodes that were revoked since could come back. Put the newer file back; or check the list with `steward trust repair`, and keep it with `steward trust repair --above {known}`.",
  ),
  "trust-damaged": entry(
    "the trust of this node in {path} cannot be used: {fault}",
    "Write `centralKey: …` into steward.yaml (`steward trust` at the management station shows the key), or join anew: `steward join TOKEN`.",
  ),
  "trust-list-invalid": entry(
    "a trust list for {node} is not taken: {fault}",
    "If the management station has new keys that {node} never heard of, join anew: `steward invite {node} --replace` there, `steward join TOKEN` here.",
  ),
  "trust-list-older": entry(
    "a trust list for {node} of version {version} is not taken: {node} has version {present} already",
    "No need to act, if it came late. If it happens often, the registry of the management station was put back to an older state.",
  ),

  // The wire
  "frame-malformed": entry(
    "a frame on {subject} could not be decoded: {fault}",
    "Another program publishes on that subject, or the frame was damaged on its way.",
  ),
  "frame-version": entry(
    "a frame on {subject} has version {version}, this daemon reads {supported}",
    "Upgrade steward on the older of the two nodes.",
  ),
  "frame-misdirected": entry(
    "a frame or an ACK came on {subject} and was made for {meant}",
    "Somebody publishes recorded frames again, or the broker has a subject mapping: remove it.",
  ),
  "frame-too-large": entry(
    "a frame on {subject} is larger than {limit} bytes once expanded",
    "Lower limits.messageBytes on the node that sends.",
  ),
  "foreign-refused": entry(
    "{subject} does not take messages from plain NATS publishers",
    "Set `foreign: true` on that subject in steward.yaml.",
  ),
  "report-unsent": entry(
    "{node} reports on command {id}, which was never sent to {node}",
    "Somebody at the broker sends in the name of {node}, or two machines have this name: see `steward doctor`.",
  ),
  "held-full": entry(
    "{count} messages are held here already: {more} more are not accepted, {limit} are allowed (limits.held)",
    "`steward messages --state held` lists them. Wait until some have gone, cancel some, or raise limits.held in steward.yaml.",
    EXIT.notDelivered,
  ),
  "queue-full": entry(
    "{limit} messages wait on {subject} already: no more are accepted",
    "Wait until some of them have ended, or raise `queue` of that subject in steward.yaml.",
    EXIT.notDelivered,
  ),
  "broker-unreachable": entry(
    "cannot reach a broker at {servers}: {fault}",
    "Start nats-server there, or correct broker.servers in steward.yaml.",
    EXIT.noDaemon,
  ),
  "broker-denied": entry(
    "the broker refuses {operation} on {subject}",
    "Give the user of this node permission to {operation} on that subject in the broker's configuration.",
  ),
  "broker-auth": entry(
    "the broker at {servers} refuses the login of this node: {fault}",
    "Correct user, password, token or key under `broker:` in steward.yaml; a service has its password in /etc/steward/environment.",
  ),
  "broker-full": passing(
    "the broker at {servers} has no room for another connection: {fault}",
    "Raise `max_connections` in the broker's configuration, or end what holds its connections.",
    EXIT.noDaemon,
  ),
  "broker-tls": passing(
    "no secure connection to the broker at {servers}: {fault}",
    "Check `broker.tls` in steward.yaml (ca, cert, key), and name and validity of the broker's certificate.",
    EXIT.noDaemon,
  ),
  "nats-server-missing": passing(
    "no nats-server was found on this machine",
    "Install it (Debian: apt-get install nats-server; macOS: brew install nats-server) or set STEWARD_NATS_SERVER to its path.",
  ),
  "nats-server-failed": passing(
    "nats-server ended: {fault}",
    "The log of the daemon has its last lines; check host and port under `broker.embedded` in steward.yaml.",
  ),

  // The journal and the daemon
  "journal-full": passing(
    "the journal holds {held} of {limit} bytes: new messages are refused",
    "Cancel messages that are not needed (`steward messages --open`), wait until their nodes come back, or raise limits.journalBytes.",
    EXIT.notDelivered,
  ),
  "journal-disk-full": passing(
    "the disk behind {path} has {free} bytes left, less than {floor}: new messages are refused",
    "Free space on that disk. The daemon still delivers what it has, and then accepts messages again by itself.",
    EXIT.notDelivered,
  ),
  "journal-failed": entry(
    "the journal cannot be written: {fault}",
    "Check the disk behind {path}: the system log (dmesg) tells of its errors.",
  ),
  "journal-restored": entry(
    "the journal in {path} is not as this node left it (restored from a copy, or damaged): {proof}",
    "Commands that it held unfinished may have run since: `steward messages --state interrupted` lists them.",
  ),
  "journal-version": entry(
    "the journal in {path} has version {version}, this daemon reads up to {supported}",
    "Run the newer steward that wrote it.",
  ),
  "journal-damaged": entry(
    "the journal in {path} cannot be read: {fault}",
    "Restore the data directory from a backup. Or move it away: the node then begins an empty journal, its undelivered messages are lost, and the other nodes are told.",
  ),
  "data-directory": entry(
    "cannot use the data directory {path}: {fault}",
    "Correct `data:` in steward.yaml, or the directory's owner and mode.",
  ),
  "already-running": entry(
    "a daemon (pid {pid}) already uses {path}",
    "Stop the other daemon first, or give this one its own `data:` directory in steward.yaml.",
  ),
  "wrong-node": entry(
    "the data directory {path} belongs to node {owner}, not to {node}",
    "Correct `node:` or `data:` in steward.yaml.",
  ),
  "no-daemon": entry(
    "no daemon answers at {socket}",
    "Start the daemon (a service: `systemctl start steward`, else `steward up`), or name its configuration with --config.",
    EXIT.noDaemon,
  ),
  "socket-denied": entry(
    "this user may not use the daemon's socket {socket}: {fault}",
    "Use root, or join the group of the socket: `usermod -aG steward NAME`, then log in again.",
    EXIT.noDaemon,
  ),
  "daemon-silent": entry(
    "the daemon{who} at {socket} has not answered for {seconds} s",
    "The daemon is stopped or overloaded: see its log (a service: `journalctl -u steward`). It may still do what was asked.",
    EXIT.noDaemon,
  ),
  "address-unusable": passing(
    "cannot listen at {address}: {fault}",
    "Stop the program that listens there, or choose another address in steward.yaml; the daemon goes on trying.",
  ),
  "certificate-unusable": passing(
    "the page cannot speak HTTPS with the certificate {certificate} and the key {key}: {fault}",
    "Set `page: {tls: {certificate: …, key: …}}` in steward.yaml to files that the daemon may read, or listen on 127.0.0.1; the daemon goes on trying.",
  ),
  "page-off": entry(
    "{node} serves no page: {fault}",
    "Set `page: {listen: 127.0.0.1:8300}` in its steward.yaml and start the daemon again; `steward doctor` shows what is in the way.",
  ),
  "login-needed": entry(
    "nobody is logged in",
    "Type `steward open` on the machine of the daemon for a link that logs in; programs send a token of `steward token` as `Authorization: Bearer TOKEN`.",
  ),
  "logins-refused": entry(
    "too many logins failed from this address: further ones are refused for {seconds} s",
    "Wait, then try again with a link of `steward open` or a token of `steward token`.",
  ),
  "cross-site-refused": entry(
    "this request is not from the page itself: {fault}",
    "Reload the page. A program of yours sends `Authorization: Bearer TOKEN`, and no cookie.",
  ),
  "host-refused": entry(
    "the page is not reached under the name {host}",
    "Open the address that `steward open` prints. For another name set `page: {address: https://NAME}` in steward.yaml.",
  ),
  "socket-only": entry(
    "{path} is answered on the machine of the daemon alone",
    "Type `steward open` or `steward token` there.",
  ),
  "login-unknown": entry("no login has the id {id}", "`steward sessions` lists the logins that are open.", EXIT.usage),
  "sessions-full": entry(
    "{count} tokens are open, and no more are allowed",
    "`steward sessions` lists them, `steward sessions end ID` ends one.",
  ),
  "request-invalid": entry(
    "the request is not valid: {fault}",
    "GET /openapi.json describes every request.",
    EXIT.usage,
  ),
  "node-silent": entry(
    "{node} did not answer within {seconds} s",
    "`steward node {node}` shows whether {node} is online; ask again when it is.",
    EXIT.notDelivered,
  ),
  "node-refused": entry(
    "{node} did not do this ({state}): {fault}",
    "`steward ps {node}` lists the processes of {node}, `steward node {node}` tells how it is.",
  ),
  "file-unwritable": entry(
    "cannot write {file}: {fault}",
    "Check the path, its permissions and the space on its disk.",
    EXIT.usage,
  ),
  "api-failed": entry("the daemon answered {status}: {fault}", "See the log of the daemon."),
  "message-unknown": entry(
    "no message has the id {id}",
    "`steward messages --limit 1000` lists the newest messages with their ids.",
    EXIT.usage,
  ),
  "message-ambiguous": entry(
    "{id} is the {part} of {count} ids: {ids}",
    "Write more of its beginning or of its end; @1 is the newest message.",
    EXIT.usage,
  ),
  "dead-letter-unknown": entry("no dead letter has the id {id}", "`steward dead` lists the dead letters.", EXIT.usage),
  "alert-unknown": entry("there is no alert {no}", "`steward alerts --all` lists all alerts.", EXIT.usage),
  "fact-failed": entry(
    "the facts of {name} cannot be read: {fault}",
    "Run the program of facts.{name} in steward.yaml by hand: it prints a JSON object or lines of key=value, and ends with 0.",
  ),
  "process-unknown": entry(
    "node {node} has no process {subject}",
    "`steward ps {node}` lists the processes of {node}.",
    EXIT.usage,
  ),

  // Running
  "runner-lost": entry(
    "the runner, the process that starts commands, ended: {fault}",
    "The daemon starts a new runner; commands that ran are `interrupted`.",
  ),
  "source-failed": entry(
    "the source of {subject} failed: {fault}",
    "Correct the address or path of that subject under `publish:` in steward.yaml.",
  ),
  "process-failed": entry(
    "the process {subject} failed: {fault}",
    "`steward ps` shows it; `steward revive NODE SUBJECT` starts it again once it is quarantined.",
  ),
  internal: entry("{fault}", "This is a defect in steward: please report it with the log."),
} as const satisfies Record<string, Entry>;

export type ErrorCode = keyof typeof CATALOGUE;
export type Details = Readonly<Record<string, string | number>>;

export class StewardError extends Error {
  readonly code: ErrorCode;
  readonly details: Details;

  constructor(code: ErrorCode, details: Details = {}, options: { cause?: unknown } = {}) {
    super(fill(CATALOGUE[code].sentence, details), options);
    this.name = "StewardError";
    this.code = code;
    this.details = details;
  }

  /** The thing to do next, one sentence. */
  get remedy(): string {
    return fill(CATALOGUE[this.code].remedy, this.details);
  }

  /** The exit code of the command line when this error ends it. */
  get exit(): number {
    return CATALOGUE[this.code].exit;
  }
}

/** Turns anything that was thrown into a StewardError; for the three doors wire, journal and method. */
export function normalise(thrown: unknown): StewardError {
  if (thrown instanceof StewardError) return thrown;
  return new StewardError("internal", { fault: faultText(thrown) }, { cause: thrown });
}

/** The message of anything that was thrown, for people: it may quote what others wrote. */
export function faultText(thrown: unknown): string {
  return printable(thrown instanceof Error ? thrown.message : String(thrown));
}

const FILE_FAULTS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  ENOTDIR: "there is no such file",
  EISDIR: "it is a directory",
  EACCES: "permission denied",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
};

/** The fault of a file whose path stands beside it: the usual causes in words. */
export function fileFault(thrown: unknown): string {
  return FILE_FAULTS[(thrown as NodeJS.ErrnoException | undefined)?.code ?? ""] ?? faultText(thrown);
}

/** Details quote what others wrote. Lines may break where a detail has several. */
function fill(template: string, details: Details): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => printable(String(details[name] ?? whole)));
}
