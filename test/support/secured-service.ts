import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { TestContext } from 'node:test';
import { readConfig } from '../../src/cli/read-config.ts';
import { componentTypes } from '../../src/service/components.ts';
import { findPipelineProblems } from '../../src/service/pipeline-problems.ts';
import { Service } from '../../src/service/service.ts';
import { systemClock } from '../../src/support/clock.ts';
import { ProfileIds } from '../../src/support/profile-ids.ts';
import { Telemetry } from '../../src/support/telemetry.ts';
import type { LogRecorder } from './log-recorder.ts';
import { recordLogs } from './log-recorder.ts';
import { recordedIo } from './recorded-io.ts';

export interface SecuredService {
  readonly service: Service;
  readonly log: LogRecorder;
  readonly metricsText: () => Promise<string>;
  /** Where a part is served over HTTP, e.g. `health_check`. */
  readonly port: (part: string) => number;
}

/** A started service of a whole configuration, telemetry included; the test's end stops it. */
export async function startSecuredService(t: TestContext, yaml: string): Promise<SecuredService> {
  const io = recordedIo({ 'config.yaml': yaml });
  const config = readConfig({ configs: ['config.yaml'], sets: [] }, componentTypes, io, findPipelineProblems);
  assert.ok(config, io.err);
  const log = recordLogs();
  const identity = { name: 'test', version: '0', instanceId: 'a' };
  const telemetry = new Telemetry(config.checked.telemetry.metrics, identity, {
    clock: systemClock,
    logger: log.logger,
  });
  const service = new Service(config.checked, {
    telemetry,
    logger: log.logger,
    clock: systemClock,
    random: Math.random,
    profileIds: new ProfileIds(randomBytes),
  });
  await service.start();
  t.after(() => service.stop({ receivers: AbortSignal.timeout(2_000), all: AbortSignal.timeout(5_000) }));
  const port = (part: string): number => {
    const [, endpoint] = [...service.httpAddresses].find(([id]) => id.split('+').includes(part))!;
    return endpoint.port;
  };
  return { service, log, metricsText: () => telemetry.prometheusText(), port };
}

/** The faults of a configuration, a line each; empty when it has none. */
export function configFaults(yaml: string): string {
  const io = recordedIo({ 'config.yaml': yaml });
  readConfig({ configs: ['config.yaml'], sets: [] }, componentTypes, io, findPipelineProblems);
  return io.err;
}
