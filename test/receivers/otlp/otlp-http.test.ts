import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { fastify } from 'fastify';
import { UnfinishedMessages, unfinishedLimits } from '../../../src/grpc/unfinished-messages.ts';
import { addOtlpRoutes, profilesPath } from '../../../src/receivers/otlp/otlp-http.ts';
import type { ProfilesIntake } from '../../../src/receivers/otlp/profiles-intake.ts';
import { systemClock } from '../../../src/support/clock.ts';
import { WorkQueue } from '../../../src/support/steps.ts';
import { patienceMs } from '../../support/patience.ts';

test('nobody waits for a sender who left while its request was decompressed', async (t) => {
  const app = fastify();
  t.after(() => app.close());
  const { promise: caller, resolve } = Promise.withResolvers<AbortSignal>();
  const intake: Partial<ProfilesIntake> = {
    isStopping: false,
    refuseLoop: () => undefined,
    refuseUnadmitted: () => undefined,
    take: (message) => {
      resolve(message.caller.signal);
      return { kind: 'taken', response: { rejectedProfiles: 0n, errorMessage: '' } };
    },
  };
  const maxRequestBodyBytes = 1 << 26;
  const bodies = new UnfinishedMessages(unfinishedLimits(maxRequestBodyBytes), systemClock, () => undefined);
  const limits = {
    maxRequestBodyBytes,
    compressionAlgorithms: ['gzip'] as const,
    limitKey: '',
    bodies,
    work: new WorkQueue(systemClock),
  };
  addOtlpRoutes(app, intake as ProfilesIntake, limits, undefined);
  await app.listen({ host: '127.0.0.1', port: 0 });

  const body = gzipSync(Buffer.alloc(maxRequestBodyBytes));
  const headers = ['host: localhost', 'content-type: application/x-protobuf', 'content-encoding: gzip'];
  const head = [`POST ${profilesPath} HTTP/1.1`, ...headers, `content-length: ${body.length}`].join('\r\n');
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1');
  socket.end(Buffer.concat([Buffer.from(`${head}\r\n\r\n`), body]), () => socket.destroy());

  const left = await caller;
  for (const giveUp = AbortSignal.timeout(patienceMs); !left.aborted && !giveUp.aborted; ) await nextTurn();
  assert.ok(left.aborted);
});
