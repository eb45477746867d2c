import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { OutputPart } from "../../src/message/report.ts";
import type { Run, RunEnd, RunSpec, Spawner } from "../../src/methods/spawner.ts";

/** A host on which programs run, and daemons that come and go. */
export interface SpawnerHost {
  /** A spawner as a daemon that starts now would have it. */
  open(): Spawner;
  /** Arguments of a program that behaves like this. */
  readonly programs: {
    prints(text: string): readonly [string, ...string[]];
    exits(code: number): readonly [string, ...string[]];
    /** Prints `text` and then goes on until it is ended. */
    goesOn(text: string): readonly [string, ...string[]];
    readonly missing: readonly [string, ...string[]];
  };
  /** Kills what starts and records the programs, as the kernel would when memory is short. */
  killRunner(): Promise<void>;
  /** Lets time pass where it does not by itself. */
  pass(ms: number): Promise<void>;
  /** Ends everything and fails when something is left. */
  remove(): Promise<void>;
}

/** What every Spawner does, the real one and its twin. */
export function describeSpawner(name: string, makeHost: () => Promise<SpawnerHost>): void {
  describe(name, () => {
    let host: SpawnerHost;
    let spawner: Spawner;
    let count = 0;

    beforeEach(async () => {
      host = await makeHost();
      spawner = host.open();
    });
    afterEach(async () => {
      await spawner.close();
      await host.remove();
    });

    const spec = (argv: readonly [string, ...string[]], fields: Partial<RunSpec> = {}): RunSpec => ({
      id: `run${count++}`,
      argv,
      timeout: 60_000,
      grace: 200,
      head: 1024,
      tail: 1024,
      ...fields,
    });
    const ignore = (): void => undefined;

    it("tells the exit code of a program", async () => {
      const run = await spawner.start(spec(host.programs.exits(3)), ignore);
      expect(run.pid).toBeGreaterThan(0);
      expect(await run.end).toMatchObject({ kind: "exited", code: 3, signal: null });
    });

    it("carries all output, live or as the rest, each byte once", async () => {
      const collected = collector();
      const run = await spawner.start(spec(host.programs.prints("hello")), collected.take);
      const end = await run.end;
      expect(textOf(collected.parts, end)).toBe("hello");
      expect(end).toMatchObject({ totals: { stdout: { bytes: 5, kept: 5 }, stderr: { bytes: 0, kept: 0 } } });
    });

    it("streams output while the program runs", async () => {
      const collected = collector();
      const run = await spawner.start(spec(host.programs.goesOn("begun")), collected.take);
      await host.pass(1000);
      await collected.some;
      expect(textOf(collected.parts)).toBe("begun");
      run.cancel();
      await host.pass(1000);
      await run.end;
    });

    it("says that a program was not found", async () => {
      const run = await spawner.start(spec(host.programs.missing), ignore);
      expect(run.pid).toBe(0);
      expect(await run.end).toMatchObject({ kind: "notStarted", code: "ENOENT" });
    });

    it("ends a program at its timeout and says so", async () => {
      const run = await spawner.start(spec(host.programs.goesOn("x"), { timeout: 100 }), ignore);
      await host.pass(2000);
      expect(await run.end).toMatchObject({ kind: "exited", ended: "timeout" });
    });

    it("ends a program on request and says so", async () => {
      const run = await spawner.start(spec(host.programs.goesOn("x")), ignore);
      run.cancel();
      run.cancel();
      await host.pass(1000);
      expect(await run.end).toMatchObject({ kind: "exited", ended: "cancel" });
    });

    it("starts one id once, however often it is asked", async () => {
      const one = spec(host.programs.goesOn("x"));
      const [first, second] = await Promise.all([spawner.start(one, ignore), spawner.start(one, ignore)]);
      const third = await spawner.start(one, ignore);
      expect([second.pid, third.pid]).toEqual([first.pid, first.pid]);
      first.cancel();
      await host.pass(1000);
      expect(await third.end).toEqual(await first.end);
    });

    it("answers a start of an id that has ended with the end that it had", async () => {
      const one = spec(host.programs.exits(7));
      await (await spawner.start(one, ignore)).end;
      const again = await spawner.start({ ...one, argv: host.programs.exits(8) }, ignore);
      expect(await again.end).toMatchObject({ kind: "exited", code: 7 });
    });

    it("knows nothing of an id that was never started, nor of one that was forgotten", async () => {
      expect(await spawner.adopt("never", ignore)).toBeUndefined();
      const one = spec(host.programs.exits(0));
      expect(await spawner.recorded()).toEqual([]);
      await (await spawner.start(one, ignore)).end;
      expect(await spawner.recorded()).toEqual([one.id]);
      await spawner.forget(one.id);
      await spawner.forget(one.id);
      expect(await spawner.adopt(one.id, ignore)).toBeUndefined();
      expect(await spawner.recorded()).toEqual([]);
    });

    it("forgets for a daemon that has started nothing itself", async () => {
      const one = spec(host.programs.exits(0));
      await (await spawner.start(one, ignore)).end;
      await spawner.close();
      spawner = host.open();
      await spawner.forget(one.id);
      expect(await spawner.adopt(one.id, ignore)).toBeUndefined();
    });

    it("does not forget a run that goes on", async () => {
      const one = spec(host.programs.goesOn("x"));
      const run = await spawner.start(one, ignore);
      await expect(spawner.forget(one.id)).rejects.toThrow(one.id);
      run.cancel();
      await host.pass(1000);
      await run.end;
    });

    it("hands a living run to the next daemon, with its output from the beginning", async () => {
      const one = spec(host.programs.goesOn("early"));
      const first = collector();
      const before = await spawner.start(one, first.take);
      await host.pass(1000);
      await first.some;
      await spawner.close();

      spawner = host.open();
      const collected = collector();
      const run = await adopted(spawner.adopt(one.id, collected.take));
      expect(run.pid).toBe(before.pid);
      run.cancel();
      await host.pass(1000);
      const end = await run.end;
      expect(end).toMatchObject({ kind: "exited", ended: "cancel" });
      expect(textOf(collected.parts, end)).toBe("early");
    });

    it("gives the next daemon the end of a run that nobody watched, all output with it", async () => {
      const one = spec(host.programs.prints("alone"));
      await (await spawner.start(one, ignore)).end;
      await spawner.close();

      spawner = host.open();
      const run = await adopted(spawner.adopt(one.id, ignore));
      const end = await run.end;
      expect(end).toMatchObject({ kind: "exited", code: 0 });
      expect(textOf([], end)).toBe("alone");
    });

    it("gives a second listener of one daemon the output from the beginning, and the same end", async () => {
      const one = spec(host.programs.goesOn("early"));
      const first = collector();
      const run = await spawner.start(one, first.take);
      await host.pass(1000);
      await first.some;
      const second = collector();
      const again = await adopted(spawner.adopt(one.id, second.take));
      again.cancel();
      await host.pass(1000);
      expect(textOf(second.parts, await again.end)).toBe("early");
      expect(await run.end).toEqual(await again.end);
    });

    it("calls a run lost when its runner is killed, and starts the next one all the same", async () => {
      const one = spec(host.programs.goesOn("x"));
      const run = await spawner.start(one, ignore);
      await host.killRunner();
      expect(await run.end).toMatchObject({ kind: "lost" });
      const again = await spawner.start(one, ignore);
      expect(await again.end).toMatchObject({ kind: "lost" });
      const next = await spawner.start(spec(host.programs.exits(0)), ignore);
      expect(await next.end).toMatchObject({ kind: "exited", code: 0 });
    });

    it("refuses an id that could be a path", async () => {
      for (const id of ["../x", "a/b", "", ".", "-x"]) {
        await expect(spawner.start(spec(host.programs.exits(0), { id }), ignore)).rejects.toThrow("not an id");
      }
    });

    it("starts nothing more once it is closed", async () => {
      await spawner.close();
      await expect(spawner.start(spec(host.programs.exits(0)), ignore)).rejects.toMatchObject({ code: "runner-lost" });
      await expect(spawner.adopt("x", ignore)).rejects.toMatchObject({ code: "runner-lost" });
    });
  });
}

export interface Collected {
  readonly parts: OutputPart[];
  /** Resolves with the first output. */
  readonly some: Promise<void>;
  readonly take: (parts: readonly OutputPart[]) => void;
}

export function collector(): Collected {
  const parts: OutputPart[] = [];
  let heard: () => void = () => undefined;
  const some = new Promise<void>((resolve) => {
    heard = resolve;
  });
  return {
    parts,
    some,
    take: (more) => {
      parts.push(...more);
      heard();
    },
  };
}

/** The bytes of one stream, from what came live and what came at the end; fails when an offset does not fit. */
export function bytesOf(stream: OutputPart["stream"], parts: readonly OutputPart[], end?: RunEnd): Buffer {
  const all = [...parts, ...(end?.kind === "exited" ? end.rest : [])].filter((part) => part.stream === stream);
  let next = 0;
  return Buffer.concat(
    all.map((part) => {
      const bytes = Buffer.from(part.text, part.encoding ?? "utf8");
      if (part.offset < next) throw new Error(`offset ${part.offset} comes after ${next}`);
      next = part.offset + bytes.length;
      return bytes;
    }),
  );
}

export function textOf(parts: readonly OutputPart[], end?: RunEnd): string {
  return bytesOf("stdout", parts, end).toString("utf8");
}

async function adopted(run: Promise<Run | undefined>): Promise<Run> {
  const found = await run;
  if (found === undefined) throw new Error("nothing was adopted");
  return found;
}
