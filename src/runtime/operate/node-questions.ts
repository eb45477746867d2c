import { StewardError } from "../../message/errors.ts";
import type { Json } from "../../message/message.ts";
import type { ProcessVerb } from "../../message/process-verb.ts";
import { CONTROL_DOMAIN } from "../../message/subject.ts";
import { MAY, type MayAnswer } from "../../methods/may.ts";
import { explain } from "../receive/explain.ts";
import { ownProcesses } from "./processes/own-processes.ts";
import { processesTold, processTold } from "./processes/process-answer.ts";
import type { OperateOptions } from "./rooms.ts";
import type { Deeds } from "./speak/deeds.ts";
import type { People } from "./speak/people.ts";
import type { Reach } from "./speak/reach.ts";
import type { Submission } from "./submission.ts";
import type { MayAnswerOf, MayQuestionTo } from "./table/audit.ts";
import type { ProcessList, ProcessQuery, ProcessView } from "./table/processes.ts";

/** How long another node may take to answer, in milliseconds. */
const ANSWER_WITHIN = 10_000;

interface ProcessQuestion {
  readonly verb: ProcessVerb | "ps";
  readonly subject: string;
}

/** Questions that a node answers by itself: here at once, at another node over the wire. */
export class NodeQuestions {
  readonly #options: OperateOptions;
  readonly #reach: Pick<Reach, "insist">;
  readonly #people: Pick<People, "word">;
  readonly #submission: Pick<Submission, "ask">;
  readonly #deeds: Pick<Deeds, "record">;

  constructor(
    options: OperateOptions,
    reach: Pick<Reach, "insist">,
    people: Pick<People, "word">,
    submission: Pick<Submission, "ask">,
    deeds: Pick<Deeds, "record">,
  ) {
    this.#options = options;
    this.#reach = reach;
    this.#people = people;
    this.#submission = submission;
    this.#deeds = deeds;
  }

  /** All processes of a node, or those of one subject with their last transitions. @throws StewardError `process-unknown`, … */
  async processes({ node: named, subject: asked, timeout = ANSWER_WITHIN }: ProcessQuery): Promise<ProcessList> {
    const self = this.#options.config().node;
    const node = named ?? self;
    const subject = asked === undefined ? undefined : wholeSubject(node, asked);
    const list = node === self ? ownProcesses(this.#options, subject) : await this.#processesAt(node, subject, timeout);
    if (subject !== undefined && list.processes.length === 0)
      throw new StewardError("process-unknown", { node, subject });
    return list;
  }

  /** A node of an older version answers the question for one process with all of them, and without transitions. */
  async #processesAt(node: string, subject: string | undefined, timeout: number): Promise<ProcessList> {
    const answer = await this.#ofProcesses(node, { verb: "ps", subject: subject ?? "" }, timeout);
    const list = processesTold(node, answer);
    if (subject === undefined) return list;
    return { ...list, processes: list.processes.filter((process) => process.subject === subject) };
  }

  async control(node: string, subject: string, verb: ProcessVerb): Promise<ProcessView> {
    const full = wholeSubject(node, subject);
    this.#reach.insist(full);
    this.#deeds.record(`${verb} a process`, { subject: full, nodes: [node] });
    if (node === this.#options.config().node) return await this.#options.processes().control(verb, full);
    return processTold(node, await this.#ofProcesses(node, { verb, subject: full }, ANSWER_WITHIN));
  }

  /** The node that would receive the message answers, by its own policy. */
  async may({ node, ...question }: MayQuestionTo): Promise<MayAnswerOf> {
    const { config, core, operators } = this.#options;
    const self = config().node;
    // `steward may ann ship1 …`: an operator of this daemon, where no node has that name.
    const isPerson = question.operator === undefined && operators.named(question.origin) !== undefined;
    const meant =
      isPerson && !core().fleet.isKnown(question.origin)
        ? { ...question, origin: self, operator: question.origin }
        : question;
    const draft = { subject: `${node}.command.${MAY}.${CONTROL_DOMAIN}`, data: meant as Json };
    const answer =
      node === self
        ? explain(node, core(), meant)
        : ((await this.#submission.ask(draft, ANSWER_WITHIN)) as unknown as MayAnswer);
    if (meant.operator === undefined || meant.origin !== self) return { node, ...answer };
    const word = this.#people.word(meant.operator, `${node}.${meant.subject}`);
    return { node, allowed: answer.allowed && word.allowed, words: [word, ...answer.words] };
  }

  #ofProcesses(node: string, question: ProcessQuestion, timeout: number): Promise<Json> {
    const draft = { subject: `${node}.command.process.${CONTROL_DOMAIN}`, data: { ...question } };
    return this.#submission.ask(draft, timeout);
  }
}

/** The subject of a process, whose node may be left out where it is its own. */
function wholeSubject(node: string, subject: string): string {
  return subject.split(".").length === 3 ? `${node}.${subject}` : subject;
}
