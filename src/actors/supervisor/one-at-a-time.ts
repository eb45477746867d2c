/** Takes a step and does it; what comes in while a step is being done waits for that step's end. Keeps the order. */
export type Handle = (step: () => void) => void;

export function oneAtATime(): Handle {
  const inbox: (() => void)[] = [];
  let handling = false;
  return (step) => {
    inbox.push(step);
    if (handling) return;
    handling = true;
    try {
      for (let next = inbox.shift(); next !== undefined; next = inbox.shift()) next();
    } finally {
      handling = false;
    }
  };
}
