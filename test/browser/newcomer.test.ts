import { describe, expect, it, vi } from "vitest";
import { eventuallySeen } from "../harness/eventually.ts";
import { startFleet } from "../harness/fleet/fleet.ts";
import { CHROMIUM, freePort, openPage } from "./chromium.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 180_000 });

describe.runIf(CHROMIUM !== undefined)("somebody who never saw steward", () => {
  it("finds with words and roles alone who is away, what waits, why a command did not run, and what the state machine did", async () => {
    const fleet = await startFleet({
      nodes: {
        central: { config: { page: { listen: `127.0.0.1:${await freePort()}` } } },
        ship1: {},
        ship2: {},
      },
    });
    const { api } = fleet.central;
    await fleet.node("ship2").kill();
    await fleet.link("ship2", "offline");
    const subject = "ship2.command.shellcommand.operatingsystem";
    const [late] = await api.submit([{ subject, data: ["reboot-the-radar"], deliverBy: 500 }]);
    await api.submit([{ subject, data: ["uname", "-s"], deliverBy: 7_200_000 }]);
    await fleet.central.message(late?.id ?? "", "expired");
    const link = await eventuallySeen("the page listens", async () => {
      const { code, stdout } = await fleet.steward("open");
      return code === 0 && stdout.trim();
    });
    const { page, faults } = await openPage(link);

    // Which ships are away, and since when?
    await page.getByRole("button", { name: /away/ }).click();
    const rows = page.getByRole("table", { name: "Nodes" }).getByRole("row");
    await expect.poll(() => rows.count()).toBe(2);
    expect(await rows.nth(1).textContent()).toMatch(/ship2\s*○\s*offline\s*\d+ (s|min)/);

    // What waits for ship2?
    await page.getByRole("link", { name: "ship2", exact: true }).click();
    const waiting = page.getByRole("region", { name: "Messages that wait", exact: true });
    await waiting.getByRole("heading", { name: "Waits for ship2" }).waitFor();
    await waiting.getByText("uname -s").waitFor();
    expect(await waiting.textContent()).toMatch(/queued[\s\S]*uname -s[\s\S]*offline/);

    // Why did this command not run?
    await page.getByRole("link", { name: "Messages", exact: true }).click();
    await page.getByRole("link", { name: "reboot-the-radar" }).click();
    await page.getByRole("heading", { name: "reboot-the-radar" }).waitFor();
    expect(await page.getByRole("main").textContent()).toMatch(/expired[\s\S]*ship2 was away/);

    // What did its state machine do?
    await page.getByRole("link", { name: "ship2", exact: true }).first().click();
    const machine = page.getByRole("region", { name: "State machine" });
    await machine.getByRole("img", { name: /^link: offline/ }).waitFor();
    await machine.getByRole("button", { name: /back/ }).click();
    await expect.poll(() => machine.getByRole("status").textContent()).toMatch(/→/);
    await page.getByText(/changes? as a list/).click();
    await page
      .getByRole("cell", { name: /online → .*offline|late → .*offline/ })
      .first()
      .waitFor();
    expect(faults).toEqual([]);
  });
});
