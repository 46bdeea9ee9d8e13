import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPipelineAdmissions } from '../../src/pipeline/pipeline-admissions.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { recordLogs } from '../support/log-recorder.ts';
import { recordMetrics } from '../support/metric-recorder.ts';

test('the first refusal is the answer; it is counted by its reason, and logged now and then', async () => {
  const { meter, values } = recordMetrics();
  const { logger, lines } = recordLogs();
  const clock = new FakeClock();
  let refusing = '';
  const asked: string[] = [];
  const admissions = ['queue_full', 'memory'].map((name) => ({
    name,
    ask: () => {
      asked.push(name);
      return refusing.includes(name) ? { reason: `${name} refuses`, retryDelayMs: 100 } : undefined;
    },
  }));
  const { frames, otlp } = createPipelineAdmissions(
    'profiles',
    { frames: admissions, otlp: admissions.slice(1) },
    { meter, logger, clock },
  );
  assert.deepEqual([frames(), otlp()], [undefined, undefined]);
  assert.deepEqual(asked, ['queue_full', 'memory', 'memory']);
  refusing = 'queue_full, memory';
  assert.deepEqual([frames()?.reason, otlp()?.reason], ['queue_full refuses', 'memory refuses']);
  assert.equal(asked.length, 5, 'after a refusal nobody else is asked');
  frames();
  assert.equal(lines.filter(({ msg }) => msg === 'Refusing new data.').length, 1);
  await clock.advance(10_000);
  frames();
  assert.equal(lines.filter(({ msg }) => msg === 'Refusing new data.').length, 2);
  const counted = await values();
  assert.equal(counted.get('framekeeper_admission_refused_calls{pipeline="profiles",reason="queue_full"}'), 3);
  assert.equal(counted.get('framekeeper_admission_refused_calls{pipeline="profiles",reason="memory"}'), 1);
});
