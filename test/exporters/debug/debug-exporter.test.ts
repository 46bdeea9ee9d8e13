import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ConfigSection } from '../../../src/config/config-section.ts';
import { LogSampler } from '../../../src/exporters/debug/debug-client.ts';
import { debugTable } from '../../../src/exporters/debug/debug-config.ts';
import { createDebugExporter } from '../../../src/exporters/debug/debug-exporter.ts';
import { createExportRequest } from '../../../src/exporters/export-request.ts';
import type { ProfilesData } from '../../../src/otlp/profiles-data.ts';
import { goodProfiles } from '../../otlp/good-profiles.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { recordLogs } from '../../support/log-recorder.ts';
import { recordMetrics } from '../../support/metric-recorder.ts';

/** The log of an exporter that got these payloads, without time, level and process. */
async function logOf(values: Record<string, unknown>, payloads: readonly ProfilesData[]) {
  const { logger, lines } = recordLogs();
  const problems: [] = [];
  const exporter = createDebugExporter('debug', debugTable.read(new ConfigSection('debug', values, problems)), {
    logger,
    meter: recordMetrics().meter,
    clock: new FakeClock(),
    random: () => 0.5,
  });
  assert.deepEqual(problems, []);
  await exporter.start();
  for (const data of payloads) await exporter.offer(createExportRequest(data, 2));
  await exporter.stop(new AbortController().signal);
  return lines.map(({ time: _time, level, pid: _pid, hostname: _hostname, ...rest }) => {
    assert.equal(level, 30);
    return rest;
  });
}

const summary = { msg: 'Profiles', 'resource profiles': 1, profiles: 1, 'sample records': 2 };
const profile = {
  msg: 'Profile',
  type: 'samples/count',
  period: '50000000 nanoseconds of cpu',
  samples: 2,
  value: '3',
  top_function: 'shop+0x1234',
  top_value: '2',
};

test('debug is basic by default: a line a request', async () => {
  assert.deepEqual(await logOf({}, [goodProfiles()]), [summary]);
});

test('debug of verbosity normal has a line a profile with its type and top function', async () => {
  assert.deepEqual(await logOf({ verbosity: 'normal' }, [goodProfiles()]), [summary, { ...profile, service: 'shop' }]);
});

test('debug of verbosity detailed has all of a profile', async () => {
  const attributes = { 'thread.name': 'worker' };
  assert.deepEqual(await logOf({ verbosity: 'detailed' }, [goodProfiles()]), [
    summary,
    {
      ...profile,
      resource: { 'service.name': 'shop' },
      scope: 'framekeeper 0.1.0',
      profile_id: '000102030405060708090a0b0c0d0e0f',
      time_unix_nano: '1767225600000000000',
      duration_nano: '5000000000',
      attributes: {},
    },
    {
      msg: 'Sample',
      stack: ['native shop+0x1234', 'add (shop.c:7) inlined', 'checkout (shop.c:42) native shop+0x2345'],
      timestamps_unix_nano: ['1767225600000000000', '1767225600050000000'],
      attributes,
    },
    {
      msg: 'Sample',
      stack: [
        'do_syscall_64 kernel kernel+0xffffffff81000000',
        'add (shop.c:7) inlined',
        'checkout (shop.c:42) native shop+0x2345',
      ],
      timestamps_unix_nano: ['1767225604999999999'],
      attributes,
      trace_id: '07'.repeat(16),
      span_id: '09'.repeat(8),
    },
    {
      msg: 'Mapping',
      file: '/usr/bin/shop',
      start: '0x1000',
      limit: '0x9000',
      file_offset: '4096',
      attributes: { 'process.executable.build_id.htlhash': '00112233445566778899aabbccddeeff' },
    },
  ]);
});

test('debug shows every type of value, and counts values where there are some', async () => {
  const data = goodProfiles();
  const values = [
    true,
    2n ** 62n,
    0.5,
    new Uint8Array([255]),
    [1n, 'a'],
    { entries: [{ key: 'k', value: 1n }] },
    undefined,
  ];
  data.resourceProfiles[0]!.resource.attributes = values.map((value, index) => ({ key: String(index), value }));
  data.resourceProfiles[0]!.scopeProfiles[0]!.profiles[0]!.samples[1]!.values = [40n, 2n];
  const [, line] = await logOf({ verbosity: 'detailed' }, [data]);
  assert.deepEqual(line!.resource, {
    0: true,
    1: '4611686018427387904',
    2: 0.5,
    3: 'ff',
    4: ['1', 'a'],
    5: { k: '1' },
    6: null,
  });
  assert.deepEqual([line!.value, line!.top_function, line!.top_value], ['44', 'do_syscall_64', '42']);
});

test('debug shows data whose indices point nowhere', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(20), fc.nat(20), fc.nat(20), async (stackIndex, attributeIndex, linkIndex) => {
      const data = goodProfiles();
      const [sample] = data.resourceProfiles[0]!.scopeProfiles[0]!.profiles[0]!.samples;
      Object.assign(sample!, { stackIndex, attributeIndices: [attributeIndex], linkIndex });
      assert.equal((await logOf({ verbosity: 'detailed' }, [data])).length, 5);
    }),
    { numRuns: 30 },
  );
});

test('debug shows the first requests of a second, and of the rest every nth', async () => {
  const payloads = Array.from({ length: 10 }, goodProfiles);
  assert.equal((await logOf({}, payloads)).length, 10);
  assert.equal((await logOf({ sampling_initial: 3, sampling_thereafter: 4 }, payloads)).length, 4);
  assert.equal((await logOf({ sampling_thereafter: 0 }, payloads)).length, 2);
});

test('LogSampler begins anew with each second', async () => {
  const clock = new FakeClock();
  const sampler = new LogSampler(1, 0, clock);
  const taken: boolean[] = [];
  for (const ms of [0, 999, 1, 500, 500]) {
    await clock.advance(ms);
    taken.push(sampler.take());
  }
  assert.deepEqual(taken, [true, false, true, false, true]);
});
