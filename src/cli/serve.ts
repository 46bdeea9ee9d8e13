import { randomBytes, randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { ConfigSources } from '../config/config-source.ts';
import type { ServiceConfig } from '../service/components.ts';
import { componentTypes } from '../service/components.ts';
import { findPipelineProblems } from '../service/pipeline-problems.ts';
import { Service } from '../service/service.ts';
import { whenAborted } from '../support/abort.ts';
import { systemClock } from '../support/clock.ts';
import { createLogger } from '../support/logger.ts';
import { Telemetry } from '../support/telemetry.ts';
import { version } from '../support/version.ts';
import type { CommandIo } from './command-io.ts';
import { exitCodes } from './command-io.ts';
import { readConfig } from './read-config.ts';

/** A little less than the 30 s that Kubernetes gives a container between SIGTERM and SIGKILL. */
const shutdownTimeoutMs = 25_000;
/** A batch that is under way takes milliseconds. */
const receiverShutdownTimeoutMs = 5_000;

/**
 * Runs the service until `stop` aborts, with `whenReady` as soon as it is ready; a rejection of that ends it too.
 * Exit code 0 after a stop, 1 when a part could not start, 2 for a faulty configuration.
 */
export async function runServe(
  sources: ConfigSources,
  io: CommandIo,
  stop: AbortSignal,
  whenReady: (service: Service) => Promise<number> = () => whenAborted(stop).then(() => exitCodes.ok),
): Promise<number> {
  const config = readConfig(sources, componentTypes, io, findPipelineProblems)?.checked;
  if (config === undefined) return exitCodes.usage;
  const logger = createLogger(config.telemetry.logs, systemClock);
  for (const warning of config.warnings) logger.warn(warning);
  logger.info({ version }, 'Starting framekeeper...');
  let service: Service;
  try {
    service = createService(config, logger);
    await service.start();
  } catch (error) {
    logger.error({ error }, 'Could not start.');
    return exitCodes.failure;
  }
  try {
    return await whenReady(service);
  } finally {
    const receivers = AbortSignal.timeout(receiverShutdownTimeoutMs);
    await service.stop({ receivers, all: AbortSignal.timeout(shutdownTimeoutMs) });
  }
}

function createService(config: ServiceConfig, logger: Logger): Service {
  const identity = { name: 'framekeeper', version, instanceId: randomUUID() };
  return new Service(config, {
    telemetry: new Telemetry(config.telemetry.metrics, identity, { clock: systemClock, logger }),
    logger,
    clock: systemClock,
    random: Math.random,
    createProfileId: () => randomBytes(16),
  });
}
