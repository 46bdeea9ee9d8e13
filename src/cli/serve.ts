import { randomBytes, randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { formatProblem } from '../config/config-error.ts';
import type { ConfigSources } from '../config/config-source.ts';
import { formatEndpoint } from '../config/endpoint.ts';
import type { ServiceConfig } from '../service/components.ts';
import { componentTypes } from '../service/components.ts';
import { thisMachine } from '../service/machine.ts';
import { findResolvedOwnDestinations } from '../service/own-destinations.ts';
import { findPipelineProblems } from '../service/pipeline-problems.ts';
import type { ShutdownDeadlines } from '../service/service.ts';
import { Service } from '../service/service.ts';
import { systemClock, whenAborted } from '../support/clock.ts';
import { fitEngineToLoad } from '../support/engine-by-load.ts';
import { createLogger } from '../support/logger.ts';
import { ProfileIds } from '../support/profile-ids.ts';
import { Telemetry } from '../support/telemetry.ts';
import { version } from '../support/version.ts';
import type { CommandIo } from './command-io.ts';
import { exitCodes } from './command-io.ts';
import { judgeConfig, readConfig } from './read-config.ts';
import { Reload } from './reload.ts';

/** A little less than the 30 s that Kubernetes gives a container between SIGTERM and SIGKILL. */
const shutdownTimeoutMs = 25_000;
/** A batch that is under way takes milliseconds. */
const receiverShutdownTimeoutMs = 5_000;

/** OnSignal subscribes to a signal of the process. */
export type OnSignal = (signal: 'SIGHUP' | 'SIGUSR2', handle: () => void) => void;

/**
 * Runs the service until `stop` aborts, or until `whenReady` ends, which begins as soon as the service is ready.
 * Exit code 0 after a stop, 1 when a part could not start, 2 for a faulty configuration.
 */
export async function runServe(
  sources: ConfigSources,
  io: CommandIo,
  stop: AbortSignal,
  whenReady: (service: Service) => Promise<number> = () => whenAborted(stop).then(() => exitCodes.ok),
  onSignal: OnSignal = () => undefined,
): Promise<number> {
  const config = readConfig(sources, componentTypes, io, findPipelineProblems)?.checked;
  if (config === undefined) return exitCodes.usage;
  const own = await findResolvedOwnDestinations(config, thisMachine());
  if (own.length > 0) {
    io.stderr(`Error: invalid configuration\n${own.map(formatProblem).join('\n')}\n`);
    return exitCodes.usage;
  }
  fitEngineToLoad();
  const logger = createLogger(config.telemetry.logs, systemClock);
  for (const warning of config.warnings) logger.warn(warning);
  onSignal('SIGUSR2', () => logger.warn('SIGUSR2 has no meaning here and changes nothing.'));
  logger.info({ version }, 'Starting framekeeper...');
  let service: Service;
  try {
    service = createService(config, logger);
    const started = service.start();
    // Whoever reads that the service is ready may send the signal at once; without a handler it ends the process.
    const reload = new Reload({
      started,
      judge: () => judgeConfig(sources, componentTypes, io, findPipelineProblems),
      findMore: (next) => findResolvedOwnDestinations(next, thisMachine()),
      apply: (next) => service.reload(next, shutdownDeadlines()),
      meter: service.meter,
      logger,
    });
    onSignal('SIGHUP', () => void reload.run());
    await started;
  } catch (error) {
    logger.error({ error }, 'Could not start.');
    return exitCodes.failure;
  }
  for (const [parts, endpoint] of service.httpAddresses) {
    const url = `http://${formatEndpoint(endpoint)}/live`;
    if (parts.includes('live_page')) logger.info({ url }, 'The live page shows what is reported.');
  }
  try {
    return await whenReady(service);
  } finally {
    await service.stop(shutdownDeadlines());
  }
}

function shutdownDeadlines(): ShutdownDeadlines {
  return { receivers: AbortSignal.timeout(receiverShutdownTimeoutMs), all: AbortSignal.timeout(shutdownTimeoutMs) };
}

function createService(config: ServiceConfig, logger: Logger): Service {
  const identity = { name: 'framekeeper', version, instanceId: randomUUID() };
  return new Service(config, {
    telemetry: new Telemetry(config.telemetry.metrics, identity, { clock: systemClock, logger }),
    logger,
    clock: systemClock,
    random: Math.random,
    profileIds: new ProfileIds(randomBytes),
  });
}
