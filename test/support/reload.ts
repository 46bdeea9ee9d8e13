import { judgeConfig } from '../../src/cli/read-config.ts';
import { Reload } from '../../src/cli/reload.ts';
import { componentTypes } from '../../src/service/components.ts';
import { findPipelineProblems } from '../../src/service/pipeline-problems.ts';
import { patienceMs } from './patience.ts';
import { recordedIo } from './recorded-io.ts';
import type { RunningService } from './running-service.ts';

/** Reloads the service as SIGHUP does, from a text. */
export function reloadOf({ service, logs }: RunningService, text: string, logging = ''): Promise<void> {
  const io = recordedIo({ 'config.yaml': `${text}\n  telemetry: {metrics: {readers: []}${logging}}\n` });
  const reload = new Reload({
    started: Promise.resolve(),
    judge: () => judgeConfig({ configs: ['config.yaml'], sets: [] }, componentTypes, io, findPipelineProblems),
    findMore: async () => [],
    apply: (config) => {
      const soon = AbortSignal.timeout(patienceMs);
      return service.reload(config, { receivers: soon, all: soon });
    },
    meter: service.meter,
    logger: logs.logger,
  });
  return reload.run();
}
