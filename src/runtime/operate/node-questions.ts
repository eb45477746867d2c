import type { Json } from "../../message/message.ts";
import type { ProcessVerb } from "../../message/process-verb.ts";
import { CONTROL_DOMAIN } from "../../message/subject.ts";
import { MAY, type MayAnswer } from "../../methods/may.ts";
import { explain } from "../receive/explain.ts";
import type { OperateOptions } from "./rooms.ts";
import type { Deeds } from "./speak/deeds.ts";
import type { People } from "./speak/people.ts";
import type { Reach } from "./speak/reach.ts";
import type { Submission } from "./submission.ts";
import type { MayAnswerOf, MayQuestionTo } from "./table/audit.ts";
import type { ProcessList, ProcessView } from "./table/processes.ts";

/** How long another node may take to answer, in milliseconds. */
const ANSWER_WITHIN = 10_000;

interface ProcessQuestion {
  readonly verb: ProcessVerb | "ps";
  readonly subject: string;
}

/** Questions that a node answers by itself: here at once, at another node over the wire. */
export class NodeQuestions {
  readonly #options: OperateOptions;
  readonly #reach: Reach;
  readonly #people: People;
  readonly #submission: Submission;
  readonly #deeds: Deeds;

  constructor(options: OperateOptions, reach: Reach, people: People, submission: Submission, deeds: Deeds) {
    this.#options = options;
    this.#reach = reach;
    this.#people = people;
    this.#submission = submission;
    this.#deeds = deeds;
  }

  async processes(node: string | undefined, timeout = ANSWER_WITHIN): Promise<ProcessList> {
    const { clock, config, processes } = this.#options;
    const self = config().node;
    if (node === undefined || node === self) return { node: self, asOf: clock.now(), processes: processes().views() };
    return (await this.#ofProcesses(node, { verb: "ps", subject: "" }, timeout)) as ProcessList;
  }

  async control(node: string, subject: string, verb: ProcessVerb): Promise<ProcessView> {
    const full = subject.split(".").length === 3 ? `${node}.${subject}` : subject;
    this.#reach.insist(full);
    this.#deeds.record(`${verb} a process`, { subject: full, nodes: [node] });
    if (node === this.#options.config().node) return await this.#options.processes().control(verb, full);
    return (await this.#ofProcesses(node, { verb, subject: full }, ANSWER_WITHIN)) as ProcessView;
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

  #ofProcesses(node: string, question: ProcessQuestion, timeout: number): Promise<unknown> {
    const draft = { subject: `${node}.command.process.${CONTROL_DOMAIN}`, data: { ...question } };
    return this.#submission.ask(draft, timeout);
  }
}
