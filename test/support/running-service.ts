import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { TestContext } from 'node:test';
import { readConfig } from '../../src/cli/read-config.ts';
import { decodeProfilesData } from '../../src/otlp/protobuf/decode-profiles-data.ts';
import { componentTypes } from '../../src/service/components.ts';
import { findPipelineProblems } from '../../src/service/pipeline-problems.ts';
import { Service } from '../../src/service/service.ts';
import { systemClock } from '../../src/support/clock.ts';
import { ProfileIds } from '../../src/support/profile-ids.ts';
import type { PrometheusForm } from '../../src/support/prometheus-text.ts';
import { Telemetry } from '../../src/support/telemetry.ts';
import { recordLogs } from './log-recorder.ts';
import { patienceMs } from './patience.ts';
import { plainSamples } from './plain-view.ts';
import { recordedIo } from './recorded-io.ts';

export interface RunningService {
  readonly service: Service;
  readonly logs: ReturnType<typeof recordLogs>;
  /** A metric's value by its name and labels, `name{a="b"}`; 0 when it was never counted. */
  readonly metric: (name: string) => Promise<number>;
  /** All metrics as Prometheus text. */
  readonly metricsText: (form?: PrometheusForm) => Promise<string>;
  /** Reports what is left and sends it, within `patienceMs`. */
  readonly stop: () => Promise<void>;
}

/** A service in this process, started from a configuration without `service.telemetry`; the test's end stops it. */
export async function startService(t: TestContext, yaml: string): Promise<RunningService> {
  const io = recordedIo({ 'config.yaml': `${yaml}\n  telemetry: {metrics: {readers: []}}\n` });
  const config = readConfig({ configs: ['config.yaml'], sets: [] }, componentTypes, io, findPipelineProblems);
  assert.ok(config, io.err);
  const logs = recordLogs();
  const telemetry = new LastingTelemetry(config.checked.telemetry.metrics, {
    name: 'test',
    version: '0',
    instanceId: 'a',
  });
  const service = new Service(config.checked, {
    telemetry,
    logger: logs.logger,
    clock: systemClock,
    random: Math.random,
    profileIds: new ProfileIds(randomBytes),
  });
  await service.start();
  const stop = (): Promise<void> => {
    const deadline = AbortSignal.timeout(patienceMs);
    return service.stop({ receivers: deadline, all: deadline });
  };
  t.after(stop);
  const metricsText = async (form?: PrometheusForm): Promise<string> =>
    telemetry.lastText ?? (await telemetry.prometheusText(form));
  const metric = async (name: string): Promise<number> => {
    const lines = (await metricsText()).split('\n');
    return Number(
      lines
        .find((line) => line.startsWith(`${name} `))
        ?.split(' ')
        .at(-1) ?? 0,
    );
  };
  return { service, logs, metric, metricsText, stop };
}

/** Can still be read when it has stopped. */
class LastingTelemetry extends Telemetry {
  lastText: string | undefined;

  override async stop(deadline: AbortSignal): Promise<void> {
    this.lastText = await this.prometheusText();
    await super.stop(deadline);
  }
}

/** The moments of all samples in these messages, which tell samples of a test apart. */
export function timestampsIn(requests: readonly { readonly bytes: Uint8Array }[]): bigint[] {
  return requests.flatMap(({ bytes }) =>
    plainSamples(decodeProfilesData(bytes)).flatMap(({ timestamps }) => [...timestamps]),
  );
}
