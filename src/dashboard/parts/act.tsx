import { useState } from "preact/hooks";
import { sentenceOf } from "../store/client.ts";

/** The end of the last act on a list, in words; `failed`: it was refused. */
interface Said {
  readonly text: string;
  readonly failed: boolean;
}

const NOTHING: Said = { text: "", failed: false };

/** Does something and reads the list again, whether it worked or not; `what`: the sentence for when it worked. */
export type Act = (what: string, done: Promise<unknown>) => Promise<boolean>;

export function useAct(refresh: () => void): { readonly said: Said; readonly act: Act } {
  const [said, say] = useState(NOTHING);
  const act: Act = async (what, done) => {
    let worked = true;
    try {
      await done;
      say({ text: what, failed: false });
    } catch (thrown) {
      worked = false;
      say({ text: `Not done: ${sentenceOf(thrown)}`, failed: true });
    }
    refresh();
    return worked;
  };
  return { said, act };
}

/** Says what became of the last act. */
export function ActSaid({ said: { text, failed } }: { said: Said }) {
  return (
    <p role={failed ? "alert" : "status"} class={failed ? "fault" : "quiet"}>
      {text}
    </p>
  );
}
