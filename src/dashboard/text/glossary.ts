/** Words of the page that somebody who is new to it asks for, with the sentences of docs/words.md. */
const GLOSSARY: Readonly<Record<string, string>> = {
  link: "whether a node can be reached, by its signs of life",
  session: "whether the journals of both sides agree: none, resyncing or live",
  resyncing: "the node is back, and both sides compare their journals",
  region: "one of the states that a node has side by side: link, session, work, trust, storage",
  lane: "the queue from one node to one subject: the order, the numbers and the acknowledgement of its messages. steward node NAME lists those that hold something",
  subject: "the address of a message: <node>.<command|event>.<method>.<domain>; the node is the receiver",
  domain:
    "what it is for, so that several of a kind can live side by side: nginx, operatingsystem. steward messages shows method and domain only where they are not shellcommand.operatingsystem",
  "dead letter": "a message that was set aside because its process failed with it again and again; steward dead",
  errand:
    "an alert or an outcome on its way to a file, a program or a web address, tried until it arrives; steward errands",
  wave: "a part of the nodes of a job, released together; the next one begins when it has gone well",
  promote: "to begin the next wave of a job now, whatever the present one waits for",
  backingOff: "the last attempt failed, and the process waits before the next",
  noAck: "the other side did not acknowledge in time, or does not take it; it is sent again",
  noCredit: "the other side has no room for more now; the rest waits",
};

/** The words in the order in which they are listed. */
export const WORDS = Object.entries(GLOSSARY).map(([word, meaning]) => ({ word, meaning }));

/** The sentence for a word as the page writes it: `Lanes`, `dead letters`, `backing off`; `undefined`: it has none. */
export function meaningOf(written: string): string | undefined {
  const bare = written.trim().replace(/s$/, "").toLowerCase().replaceAll(" ", "");
  return WORDS.find(({ word }) => word.toLowerCase().replaceAll(" ", "") === bare)?.meaning;
}
