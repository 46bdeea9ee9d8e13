import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { parseResourceAttributes } from '../../src/identity/otel-variables.ts';
import { ResourceChain } from '../../src/identity/resource-chain.ts';
import { pidOf, ResourceDraft } from '../../src/identity/resource-draft.ts';
import { createServiceNameRule } from '../../src/identity/service/service-name-rule.ts';
import { encodeProfilesJson } from '../../src/otlp/json/encode-profiles-json.ts';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import { DialectLint } from '../../src/profile/dialects/lint/lint-dialect.ts';
import { goodProfiles } from '../otlp/good-profiles.ts';
import { realRequests } from '../otlp/real-requests.ts';
import { smallBatch } from '../support/frames-client.ts';
import { recordMetrics } from '../support/metric-recorder.ts';
import { nowUnixNano, resourcesOf, runIdentity } from './identity-harness.ts';

const variable = 'process.environment_variable.';

for (const { name, attributes, workload = '', isServiceOnSamples = false, service } of [
  { name: 'as sent', attributes: { 'service.name': 'shop', [`${variable}OTEL_SERVICE_NAME`]: 'x' }, service: 'shop' },
  {
    name: 'by the variable in place of a name for the unknown',
    attributes: { 'service.name': 'unknown_service:java', [`${variable}OTEL_SERVICE_NAME`]: 'shop' },
    service: 'shop',
  },
  {
    name: 'by the variable before the workload',
    attributes: { [`${variable}OTEL_SERVICE_NAME`]: 'shop' },
    workload: 'cart',
    service: 'shop',
  },
  {
    name: 'by the variable of attributes',
    attributes: { [`${variable}OTEL_RESOURCE_ATTRIBUTES`]: 'a=b,service.name=my%20shop' },
    service: 'my shop',
  },
  { name: 'by the workload', attributes: { 'process.executable.name': 'java' }, workload: 'cart', service: 'cart' },
  { name: 'by the executable', attributes: { 'process.executable.name': 'java' }, service: 'unknown_service:java' },
  {
    name: 'by the path of the executable',
    attributes: { 'process.executable.path': '/usr/bin/java' },
    service: 'unknown_service:java',
  },
  { name: 'by nothing', attributes: {}, service: 'unknown_service' },
  { name: 'as its samples tell it', attributes: {}, isServiceOnSamples: true, service: undefined },
  {
    name: 'as an unknown one was sent',
    attributes: { 'service.name': 'unknown_service:x' },
    service: 'unknown_service:x',
  },
]) {
  test(`a service is named ${name}`, () => {
    const list = Object.entries(attributes).map(([key, value]) => ({ key, value }));
    const draft = new ResourceDraft(list, { isServiceOnSamples });
    draft.workloadName = workload;
    assert.equal(createServiceNameRule('service_name', { hasDefault: true }).apply(draft), true);
    assert.equal(draft.get('service.name'), service);
  });
}

test('a service that nothing names has no name where no name for the unknown is wanted', () => {
  const draft = new ResourceDraft([{ key: 'process.executable.name', value: 'java' }], { isServiceOnSamples: false });
  createServiceNameRule('service_name', { hasDefault: false }).apply(draft);
  assert.equal(draft.get('service.name'), undefined);
});

test('outcomes are kept for resources that come again, by whether their samples name the service', () => {
  const rule = createServiceNameRule('service_name', { hasDefault: true });
  let applied = 0;
  const counted = { ...rule, apply: (draft: ResourceDraft) => rule.apply(draft) && ++applied > 0 };
  const chain = new ResourceChain([counted], recordMetrics().meter);
  const attributes = [{ key: 'process.executable.name', value: 'java' }];
  const serviceOf = (isServiceOnSamples: boolean): unknown => {
    const [edit] = chain.edit([attributes], { isServiceOnSamples });
    return edit?.kind === 'kept' && edit.attributes.find(({ key }) => key === 'service.name')?.value;
  };
  assert.equal(serviceOf(false), 'unknown_service:java');
  assert.equal(serviceOf(true), undefined);
  assert.equal(serviceOf(false), 'unknown_service:java');
  assert.equal(applied, 2);
});

for (const { value, pid } of [
  { value: 42n, pid: 42 },
  { value: 42, pid: 42 },
  { value: 0n, pid: 0 },
  { value: -1n, pid: 0 },
  { value: 1.5, pid: 0 },
  { value: 2n ** 31n, pid: 0 },
  { value: 'x', pid: 0 },
  { value: undefined, pid: 0 },
]) {
  test(`the process ID ${value} is ${pid}`, () => {
    const draft = new ResourceDraft([{ key: 'process.pid', value }], { isServiceOnSamples: false });
    assert.equal(pidOf(draft), pid);
  });
}

for (const { text, attributes } of [
  { text: 'a=1,b=x%2Cy', attributes: { a: '1', b: 'x,y' } },
  { text: ' a = 1 , a=2,', attributes: { a: '2' } },
  { text: 'a=1,b', attributes: undefined },
  { text: 'a=1,b=%zz', attributes: undefined },
  { text: 'a=1=2', attributes: undefined },
  { text: '=1', attributes: undefined },
]) {
  test(`OTEL_RESOURCE_ATTRIBUTES "${text}" is ${attributes === undefined ? 'ignored as a whole' : 'read'}`, () => {
    const found = parseResourceAttributes(text);
    assert.deepEqual(found && Object.fromEntries(found), attributes);
  });
}

for (const way of ['raw frames', 'OTLP profiles', 'merged OTLP profiles'] as const) {
  test(`the variables of a live process name the service of its ${way}, at once`, async (t) => {
    const child = spawn('sleep', ['60'], { env: { OTEL_SERVICE_NAME: 'a sleeper' } });
    t.after(() => child.kill());
    await once(child, 'spawn');
    const processors = 'service_name: {read_process_environment: true}';
    const cycle = way === 'merged OTLP profiles' ? 'otlp_profiles: merge' : '';
    const { frames, sendOtlp, finish } = await runIdentity(t, { processors, order: ['service_name'], cycle });
    if (way === 'raw frames') {
      await frames.submit(smallBatch([nowUnixNano()], { processes: [{ pid: child.pid, comm: 5 }] }));
    } else {
      const data = goodProfiles();
      data.resourceProfiles[0]!.resource.attributes = [{ key: 'process.pid', value: BigInt(child.pid!) }];
      await sendOtlp(encodeProfilesData(data));
    }
    const services = resourcesOf(await finish()).map((each) => each['service.name']);
    assert.deepEqual(services, ['a sleeper']);
  });
}

for (const { way, cycle = '', isWasteful = false, isJson = false } of [
  { way: 'passing' },
  { way: 'rebuilt', isWasteful: true },
  { way: 'JSON', isJson: true },
  { way: 'merged', cycle: 'otlp_profiles: merge' },
]) {
  for (const { name, attributes, service } of [
    {
      name: 'by the variable that came with it',
      attributes: { [`${variable}OTEL_SERVICE_NAME`]: 'shop' },
      service: 'shop',
    },
    { name: 'by its executable', attributes: { 'process.executable.name': 'java' }, service: 'unknown_service:java' },
    { name: 'as sent', attributes: { 'service.name': 'cart' }, service: 'cart' },
  ]) {
    test(`the service of a ${way} request is named ${name}`, async (t) => {
      const { service: running, sendOtlp, sendJson, finish } = await runIdentity(t, { cycle });
      const data = goodProfiles();
      data.resourceProfiles[0]!.resource.attributes = Object.entries(attributes).map(([key, value]) => ({
        key,
        value,
      }));
      if (isWasteful) data.dictionary.stringTable.push('of no use');
      if (isJson) await sendJson(encodeProfilesJson(data));
      else await sendOtlp(encodeProfilesData(data));
      const messages = await finish();
      assert.deepEqual(
        resourcesOf(messages).map((each) => each['service.name']),
        [service],
      );
      const ways = (await running.metricsText()).match(/^framekeeper_otlp_passed_requests\{way="(\w+)".*\} 1$/gm) ?? [];
      const isRebuilt = ways.some((line) => line.includes('"rebuilt"'));
      if (way === 'passing' || way === 'rebuilt') assert.deepEqual([ways.length, isRebuilt], [1, way === 'rebuilt']);
    });
  }
}

for (const dialect of ['pyroscope', 'elastic'] as const) {
  for (const encoder of ['profiler', 'collector'] as const) {
    test(`requests of a real ${encoder} have no finding of ${dialect}`, async (t) => {
      const processors = 'resource: {attributes: [{key: host.name, value: node-1, action: insert}]}';
      const { sendOtlp, finish } = await runIdentity(t, {
        processors,
        order: ['resource'],
        exporter: `, dialect: ${dialect}`,
      });
      for (const request of realRequests(encoder)) await sendOtlp(request);
      const messages = await finish();
      assert.ok(messages.length > 0);
      const lint = new DialectLint(dialect);
      for (const message of messages) assert.deepEqual(lint.lint(message), []);
    });
  }
}

test('a resource of which a sender learns more within a cycle is one, with the samples of before', async (t) => {
  const { frames, finish } = await runIdentity(t, {});
  const strings = ['samples', 'count', 'cpu', 'nanoseconds', 'main', '/usr/bin/main', 'ab'.repeat(32)];
  const start = nowUnixNano();
  const early = { pid: 42, startTimeNano: 5n, comm: 5, executablePath: 6 };
  for (const [index, process] of [early, { ...early, containerId: 7 }, { ...early, pid: 43 }].entries()) {
    await frames.submit(smallBatch([start + BigInt(index)], { strings, processes: [process], sequence: index + 1 }));
  }
  const messages = await finish();
  const counts = messages.flatMap(({ resourceProfiles }) =>
    resourceProfiles.map(({ resource, scopeProfiles }) => [
      resource.attributes.find(({ key }) => key === 'process.pid')?.value,
      resource.attributes.find(({ key }) => key === 'container.id')?.value,
      scopeProfiles.flatMap(({ profiles }) =>
        profiles.flatMap(({ samples }) => [...samples].flatMap((s) => s.timestampsUnixNano)),
      ).length,
    ]),
  );
  assert.deepEqual(counts, [
    [42n, 'ab'.repeat(32), 2],
    [43n, undefined, 1],
  ]);
});
