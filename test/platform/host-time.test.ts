import { expect, it } from "vitest";
import { HostTime } from "../../src/platform/host/host-time.ts";

/** A host whose clocks are set by hand, ms. */
class Host {
  wall = 1_000_000;
  awake = 5_000;
  uptime: number | undefined = 40_000;
  readonly time = new HostTime({ wall: () => this.wall, awake: () => this.awake, uptime: () => this.uptime });

  passes(ms: number): void {
    this.wall += ms;
    this.awake += ms;
    if (this.uptime !== undefined) this.uptime += ms;
  }

  sleeps(ms: number): void {
    this.wall += ms;
    if (this.uptime !== undefined) this.uptime += ms;
  }
}

it("time in which the host sleeps counts", () => {
  const host = new Host();
  const before = host.time.monotonic();
  host.passes(2_000);
  host.sleeps(3_600_000);
  expect(host.time.monotonic() - before).toBe(3_602_000);
  host.sleeps(60_000);
  host.passes(1);
  expect(host.time.monotonic() - before).toBe(3_662_001);
});

it("a wall clock that jumps, either way, is no sleep, and time never goes back", () => {
  const host = new Host();
  const before = host.time.monotonic();
  for (const jump of [86_400_000, -172_800_000, 90_000]) {
    host.wall += jump;
    expect(host.time.monotonic()).toBe(before);
  }
  host.sleeps(10_000);
  expect(host.time.monotonic() - before).toBe(10_000);
});

it("a wall clock that is set back while the host wakes hides no sleep for longer than until it moves again", () => {
  const host = new Host();
  const before = host.time.monotonic();
  host.sleeps(10_000);
  host.wall -= 10_000;
  host.passes(500);
  host.wall += 5_000;
  expect(host.time.monotonic() - before).toBe(10_500);
});

it("where the system tells no uptime, time is the monotonic clock's", () => {
  const host = new Host();
  host.uptime = undefined;
  const blind = new HostTime({ wall: () => host.wall, awake: () => host.awake, uptime: () => undefined });
  const before = blind.monotonic();
  host.sleeps(60_000);
  host.passes(7);
  expect(blind.monotonic() - before).toBe(7);
});
