import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeProfilesData } from '../../src/otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import { countTimestamps } from '../../src/otlp/sample-columns.ts';
import { checkConformance } from '../../src/profile/check/check-conformance.ts';
import { goodProfiles } from '../otlp/good-profiles.ts';
import { observations } from '../otlp/observations.ts';
import { realRequests } from '../otlp/real-requests.ts';
import { smallBatch } from '../support/frames-client.ts';
import { tableLists, withLists } from '../support/with-lists.ts';
import { nowUnixNano, resourcesOf, runIdentity } from './identity-harness.ts';

const processors = `
resource:
  attributes:
    - {key: deployment.environment.name, value: staging, action: insert}
    - {key: team, from_attribute: container.id, default_value: nobody, action: upsert}
    - {key: process.executable.path, action: delete}`;

for (const encoder of ['profiler', 'collector'] as const) {
  test(`the processor "resource" edits requests of a ${encoder} around the bytes of their samples`, async (t) => {
    const { service, sendOtlp, finish } = await runIdentity(t, { processors, order: ['resource'] });
    const [request] = realRequests(encoder);
    await sendOtlp(request!);
    const messages = await finish();
    const sent = decodeProfilesData(request!);
    assert.equal(await service.metric('framekeeper_otlp_passed_requests{way="identified"}'), 1);
    const [kept, original] = [tableLists(messages[0]!.dictionary), tableLists(sent.dictionary)];
    assert.deepEqual(kept, { ...original, stringTable: kept.stringTable });
    const before = resourcesOf([sent]);
    const after = resourcesOf(messages);
    assert.ok(before.length > 1);
    assert.deepEqual(
      after,
      before.map(({ 'process.executable.path': _, ...each }, index) => ({
        ...each,
        'deployment.environment.name': 'staging',
        team: each['container.id'] ?? 'nobody',
        'service.name': after[index]!['service.name'],
      })),
    );
    for (const each of after) assert.match(String(each['service.name']), /^unknown_service:./);
    assert.deepEqual(
      withLists(messages[0]!).resourceProfiles.map(({ scopeProfiles }) => scopeProfiles),
      withLists(sent).resourceProfiles.map(({ scopeProfiles }) => scopeProfiles),
    );
  });
}

for (const { name, cycle } of [
  { name: 'rebuilt', cycle: '' },
  { name: 'merged into the cycle', cycle: 'otlp_profiles: merge' },
]) {
  test(`the processor "resource" edits requests that are ${name}, once`, async (t) => {
    const hashing = `
resource: {attributes: [{key: host.name, action: hash}, {key: stage, value: 7, action: insert}]}`;
    const { sendOtlp, finish } = await runIdentity(t, { processors: hashing, order: ['resource'], cycle });
    const data = goodProfiles();
    const [{ resource }] = data.resourceProfiles as unknown as [{ resource: { attributes: unknown[] } }];
    resource.attributes.push({ key: 'host.name', value: 'node-1' });
    data.dictionary.stringTable.push('of no use');
    await sendOtlp(encodeProfilesData(data));
    const messages = await finish();
    const [attributes] = resourcesOf(messages);
    // printf node-1 | sha256sum
    assert.equal(attributes!['host.name'], '35971be6e9bb024a895582fe0e42e04848a86da550aaef0fccbfba86f99f617d');
    assert.equal(attributes!.stage, 7n);
    const expected = goodProfiles();
    expected.resourceProfiles[0]!.resource = messages[0]!.resourceProfiles[0]!.resource as never;
    assert.deepEqual(observations(messages), observations([expected]));
    for (const message of messages) assert.deepEqual(checkConformance(message), []);
  });
}

test('processes that an edit makes equal share a resource, and each of their samples leaves once', async (t) => {
  const deleting = 'resource: {attributes: [{key: process.pid, action: delete}]}';
  const { frames, finish } = await runIdentity(t, { processors: deleting, order: ['resource'] });
  for (const pid of [42, 43]) {
    await frames.submit(
      smallBatch([nowUnixNano()], { processes: [{ pid, comm: 5 }], collector: { instanceId: Buffer.alloc(16, pid) } }),
    );
  }
  const messages = await finish();
  assert.deepEqual(resourcesOf(messages), [
    { 'process.executable.name': 'main', 'service.name': 'unknown_service:main' },
  ]);
  assert.equal(countTimestamps(messages[0]!), 2);
  assert.deepEqual(checkConformance(messages[0]!), []);
});
