import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import pino from 'pino';
import { encodeProfilesData } from '../../../src/otlp/protobuf/encode-profiles-data.ts';
import { mergeProfiles } from '../../../src/profile/join/profiles-joiner.ts';
import { withoutOrphans } from '../../../src/profile/join/without-orphans.ts';
import { OtlpEvents } from '../../../src/receivers/otlp/otlp-events.ts';
import { ProfilesIntake } from '../../../src/receivers/otlp/profiles-intake.ts';
import type { SinkAnswer } from '../../../src/receivers/otlp/profiles-sink.ts';
import { goodProfiles } from '../../otlp/good-profiles.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { recordMetrics } from '../../support/metric-recorder.ts';

test('a call whose exporters do not answer is answered after a minute, and given up by them', async () => {
  const clock = new FakeClock();
  const { meter, values } = recordMetrics();
  let left: AbortSignal | undefined;
  const sink = {
    submit: (_: unknown, signal: AbortSignal) => {
      left = signal;
      return new Promise<SinkAnswer>(() => undefined);
    },
  };
  const events = new OtlpEvents({ meter, logger: pino({ level: 'silent' }), clock }, 'otlp');
  const parts = { sink, admission: () => undefined, events, clock };
  const message = { encoding: 'protobuf', bytes: encodeProfilesData(goodProfiles()), isVersionDeclared: true } as const;
  const caller = new AbortController();
  const outcome = new ProfilesIntake(parts).take({ transport: 'grpc', ...message, caller });
  await clock.advance(59_999);
  assert.equal(left?.aborted, false);
  await clock.advance(1);
  assert.deepEqual(await outcome, {
    kind: 'refused',
    refusal: { code: status.UNAVAILABLE, message: 'no answer of the exporters within 60 s' },
  });
  assert.equal(left?.aborted, true);
  const counted = await values();
  assert.equal(counted.get('otelcol_receiver_refused_profile_samples{receiver="otlp",transport="grpc"}'), 2);
  assert.equal(clock.sleeperCount, 0);
});

test('a large message without samples keeps no columns for which others would wait', async () => {
  const data = goodProfiles();
  const [entry] = data.resourceProfiles;
  const [scope] = entry!.scopeProfiles;
  const scopeProfiles = [{ ...scope!, profiles: [{ ...scope!.profiles[0]!, samples: [] }] }];
  // More than are handled at once.
  const resourceProfiles = Array.from({ length: 1_500 }, (_, index) => {
    const attributes = [{ key: 'host.id', value: `${index}` }];
    return { ...entry!, resource: { attributes, droppedAttributesCount: 0 }, scopeProfiles };
  });
  const bytes = encodeProfilesData(withoutOrphans(mergeProfiles([{ ...data, resourceProfiles }])));
  assert.ok(bytes.length > 64 * 1024);
  const clock = new FakeClock();
  const { meter } = recordMetrics();
  const events = new OtlpEvents({ meter, logger: pino({ level: 'silent' }), clock }, 'otlp');
  const sink = { submit: () => assert.fail('a message without samples goes no further') };
  const intake = new ProfilesIntake({ sink, admission: () => undefined, events, clock });
  for (let count = 0; count < 2; count++) {
    const message = { encoding: 'protobuf', bytes, isVersionDeclared: true } as const;
    const outcome = intake.take({ transport: 'grpc', ...message, caller: new AbortController() });
    assert.equal(clock.sleeperCount, 0, 'waits for columns');
    assert.equal((await outcome).kind, 'taken');
  }
});
