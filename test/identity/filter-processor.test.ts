import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProfilesData } from '../../src/otlp/profiles-data.ts';
import { countSamples } from '../../src/otlp/profiles-data.ts';
import { decodeProfilesData } from '../../src/otlp/protobuf/decode-profiles-data.ts';
import { countTimestamps } from '../../src/otlp/sample-columns.ts';
import { checkConformance } from '../../src/profile/check/check-conformance.ts';
import { realRequests } from '../otlp/real-requests.ts';
import { smallBatch } from '../support/frames-client.ts';
import { nowUnixNano, resourcesOf, runIdentity } from './identity-harness.ts';

const [request] = realRequests('profiler');
const sent = decodeProfilesData(request!);
const names = resourcesOf([sent]).map((each) => String(each['process.executable.name']));
const [unwanted] = names;
const kept = names.filter((name) => name !== unwanted);

for (const { way, cycle } of [
  { way: 'pass', cycle: '' },
  { way: 'are merged', cycle: 'otlp_profiles: merge' },
]) {
  test(`a filter drops a process of requests that ${way}, with what only it used of the dictionary, and counts its samples`, async (t) => {
    const processors = `filter: {exclude: {process_names: ["${unwanted}"]}}`;
    const { service, sendOtlp, finish } = await runIdentity(t, { processors, order: ['filter'], cycle });
    await sendOtlp(request!);
    const messages = await finish();
    assert.deepEqual(
      resourcesOf(messages)
        .map((each) => each['process.executable.name'])
        .sort(),
      [...kept].sort(),
    );
    const droppedSamples = await service.metric('framekeeper_processor_dropped_samples{processor="filter"}');
    assert.ok(droppedSamples > 0);
    assert.equal(countSamples(messages[0]!) + droppedSamples, countSamples(sent));
    assert.deepEqual(checkConformance(messages[0]!), []);
  });
}

test('a request of which a filter leaves nothing is taken and goes no further', async (t) => {
  const processors = 'filter: {include: {process_names: [nobody]}}';
  const { service, sendOtlp, finish } = await runIdentity(t, { processors, order: ['filter'] });
  await sendOtlp(request!);
  assert.deepEqual(await finish(), []);
  assert.equal(await service.metric('framekeeper_processor_dropped_samples{processor="filter"}'), countSamples(sent));
});

test('a filter by frame types drops samples and leaves the others of their process', async (t) => {
  const processors = 'filter: {exclude: {frame_types: [kernel]}}';
  const { sendOtlp, finish } = await runIdentity(t, { processors, order: ['filter'] });
  await sendOtlp(request!);
  const [message] = await finish();
  const { without, all } = byKernel(sent);
  assert.ok(without > 0 && without < all);
  assert.deepEqual(byKernel(message!), { without, all: without });
  assert.deepEqual(checkConformance(message!), []);
});

function byKernel(data: ProfilesData): { without: number; all: number } {
  const { dictionary } = data;
  const isKernel = [...dictionary.stackTable].map(({ locationIndices }) =>
    locationIndices.some((location) =>
      dictionary.locationTable
        .at(location)!
        .attributeIndices.some((index) => dictionary.attributeTable[index]!.value === 'kernel'),
    ),
  );
  let without = 0;
  for (const { scopeProfiles } of data.resourceProfiles)
    for (const { profiles } of scopeProfiles)
      for (const { samples } of profiles) for (const { stackIndex } of samples) if (!isKernel[stackIndex]) without++;
  return { without, all: countSamples(data) };
}

test('of raw frames a filter drops a process, and a share of the observations of the others', async (t) => {
  const processors = 'filter: {exclude: {process_names: [main]}, sampling_percentage: 50}';
  const { service, frames, finish } = await runIdentity(t, { processors, order: ['filter'] });
  const start = nowUnixNano();
  const timestamps = Array.from({ length: 1000 }, (_, index) => start + BigInt(index));
  await frames.submit(smallBatch(timestamps));
  await frames.submit(
    smallBatch(timestamps, { processes: [{ pid: 43, comm: 1 }], collector: { instanceId: Buffer.alloc(16, 8) } }),
  );
  const messages = await finish();
  assert.deepEqual(
    resourcesOf(messages).map((each) => each['process.executable.name']),
    ['samples'],
  );
  const left = countTimestamps(messages[0]!);
  // Six standard deviations.
  assert.ok(left > 405 && left < 595, `${left}`);
  assert.equal(await service.metric('framekeeper_processor_dropped_samples{processor="filter"}'), 2000 - left);
  assert.deepEqual(checkConformance(messages[0]!), []);
});
