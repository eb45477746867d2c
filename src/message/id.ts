import type { Clock, Random } from "./clock.ts";

/**
 * Message ids: 26 characters of Crockford's base 32; the first 10 are the time in milliseconds, the other 16 are random
 * (80 bits). Ids of one maker sort in the order in which they were made. The layout is that of ULID.
 */
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const ID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

export type NewId = () => string;

export function idMaker(clock: Clock, random: Random): NewId {
  let lastTime = -1;
  const tail = new Uint8Array(16);
  const id = Buffer.alloc(26);
  return () => {
    const now = clock.now();
    if (now > lastTime) {
      lastTime = now;
      const bytes = random.bytes(16);
      for (let i = 0; i < 16; i++) tail[i] = (bytes[i] ?? 0) & 31;
    } else {
      // Same millisecond, or the clock went back: count up, so that the order of making is kept.
      let i = 15;
      while (i >= 0 && tail[i] === 31) tail[i--] = 0;
      if (i >= 0) tail[i] = (tail[i] ?? 0) + 1;
      else lastTime++;
    }
    let time = lastTime;
    for (let i = 9; i >= 0; i--) {
      id[i] = ALPHABET.charCodeAt(time % 32);
      time = Math.floor(time / 32);
    }
    for (let i = 0; i < 16; i++) id[10 + i] = ALPHABET.charCodeAt(tail[i] ?? 0);
    return id.toString("latin1");
  };
}

export function isId(text: unknown): text is string {
  return typeof text === "string" && ID.test(text);
}

/** When the id was made, milliseconds since 1970 by its maker's clock. */
export function idTime(id: string): number {
  let time = 0;
  for (let i = 0; i < 10; i++) time = time * 32 + ALPHABET.indexOf(id.charAt(i));
  return time;
}
