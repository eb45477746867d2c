import { ApiClient } from "../api/client.ts";
import { NotifyProgram } from "../platform/notify-program.ts";
import { serviceManager } from "../platform/service-manager.ts";
import { systemClock } from "../platform/system-clock.ts";
import type { Reach } from "./cli.ts";

/** The real ways to the rest of steward. What is dear to load is loaded when it is needed. */
export const reachDaemon: Reach = {
  loadConfig: async (file, env) => {
    const { loadConfig } = await import("../config/load.ts");
    return loadConfig(file, { env });
  },
  connect: async (socket, io) => new ApiClient({ socket, clock: io.clock }),
  startDaemon: async (config, pretty) => {
    const { startDaemon } = await import("../runtime/daemon/daemon.ts");
    return startDaemon({ config, pretty });
  },
  serviceManager: () =>
    serviceManager(process.env, process.pid, systemClock, (socket) => new NotifyProgram(socket, process.env.PATH)),
  charts: async () => {
    const { charts } = await import("../actors/chart.ts");
    return charts();
  },
  checkJournal: async (path, options) => {
    const { checkApart } = await import("../journal/check/apart.ts");
    return checkApart(path, options);
  },
};
