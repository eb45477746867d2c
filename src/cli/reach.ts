import type { Reach } from "./cli.ts";
import { visible } from "./render/text.ts";

/** The real ways to the rest of steward. Modules that are dear to load are loaded when they are needed. */
export const reachDaemon: Reach = {
  loadConfig: async (file, env) => {
    const { loadConfig } = await import("../config/load.ts");
    return loadConfig(file, { env });
  },
  socketOf: async (file, env) => {
    const { socketOf } = await import("../config/file/socket.ts");
    const socket = await socketOf(file);
    if (socket !== undefined) return socket;
    const { loadConfig } = await import("../config/load.ts");
    return loadConfig(file, { env }).socket;
  },
  connect: async (socket, io, until, operator) => {
    const { openClient } = await import("../api/client.ts");
    const options = { socket, clock: io.clock, until };
    if (operator === undefined) return openClient(options);
    const { SIGNATURE_HEADER, signRequest } = await import("../security/operators/request-signature.ts");
    const { systemRandom } = await import("../platform/system-clock.ts");
    const { KnownDaemons } = await import("../security/operators/known-daemons.ts");
    const known = new KnownDaemons(operator.known, (text) => void io.stderr.write(`! ${visible(text)}\n`));
    return openClient({
      ...options,
      sign: {
        daemon: (header) => known.nameOf(socket, header),
        headers: (daemon, request, body) => ({
          [SIGNATURE_HEADER]: signRequest(operator.signer, daemon, request, body, io.clock, systemRandom),
        }),
      },
    });
  },
  operatorKey: async (file) => {
    const { readOperatorKey } = await import("../security/operators/key-file.ts");
    return readOperatorKey(file);
  },
  startDaemon: async (config, pretty) => {
    const { startDaemon } = await import("../runtime/daemon/daemon.ts");
    // A directory from which it was started may be removed or unmounted; its data directory is there as long as it is.
    const enter = (directory: string): void => process.chdir(directory);
    // Files of the daemon are for its user alone; commands keep the mask that it was started with.
    return startDaemon({ config, pretty, enter, umask: process.umask(0o077) });
  },
  serviceNotice: async ({ env, clock }) => {
    const { serviceNotice } = await import("../platform/service-notice.ts");
    const { NotifyProgram } = await import("../platform/notify-program.ts");
    return serviceNotice(env, process.pid, clock, (socket) => new NotifyProgram(socket, env.PATH));
  },
  charts: async () => {
    const { charts } = await import("../actors/chart.ts");
    return charts();
  },
  checkJournal: async (path, options) => {
    const { checkApart } = await import("../journal/check/check-process.ts");
    return checkApart(path, options);
  },
};
