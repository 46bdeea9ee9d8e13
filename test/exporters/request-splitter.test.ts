import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SendResult, TooLarge } from '../../src/exporters/export-client.ts';
import { fullyAccepted } from '../../src/exporters/export-client.ts';
import { createExportEvents } from '../../src/exporters/export-events.ts';
import type { ExportRequest } from '../../src/exporters/export-request.ts';
import { createEncodedRequest, createExportRequest, maxSplitGrowth } from '../../src/exporters/export-request.ts';
import { LargeRequests } from '../../src/exporters/large-requests.ts';
import { RequestSplitter } from '../../src/exporters/request-splitter.ts';
import { decodeProfilesData } from '../../src/otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../../src/otlp/protobuf/encode-profiles-data.ts';
import { systemClock } from '../../src/support/clock.ts';
import { atOnce } from '../../src/support/steps.ts';
import { manyFunctions } from '../abuse/payloads.ts';
import { syntheticProfiles } from '../bench/synthetic-profiles.ts';
import { buildData } from '../support/build-data.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { fakeRequest } from '../support/fake-request.ts';
import { recordLogs } from '../support/log-recorder.ts';
import { recordMetrics } from '../support/metric-recorder.ts';

const neverAborted = new AbortController().signal;
const whole = createExportRequest(syntheticProfiles(), 1000);
const tooLarge = (limit: TooLarge): SendResult => ({
  kind: 'permanent',
  errorType: 'ResourceExhausted',
  reason: 'large',
  tooLarge: limit,
});

function createSplitter(
  answer: (request: ExportRequest) => SendResult,
  maxBytes = Infinity,
  keeps = false,
  large?: LargeRequests,
) {
  const { meter, values } = recordMetrics();
  const sent: ExportRequest[] = [];
  const logs = recordLogs();
  const send = async (request: ExportRequest): Promise<SendResult> => {
    sent.push(request);
    return answer(request);
  };
  const splitter = new RequestSplitter(
    send,
    { maxBytes, keepsInterrupted: keeps, functionsTwice: false, ...(large && { large }) },
    createExportEvents('a', { logger: logs.logger, meter, clock: new FakeClock() }),
  );
  const count = async (name: string): Promise<number> => (await values()).get(name) ?? 0;
  return { splitter, sent, logs, count };
}

test('parts are sent one after the other, in the order of their samples', async () => {
  const { splitter, sent } = createSplitter(() => fullyAccepted, 30_000);
  await splitter.deliver(whole, neverAborted);
  const services = sent.flatMap(({ data }) =>
    data.resourceProfiles.map(({ resource }) => resource.attributes[0]!.value),
  );
  const numbers = services.map((service) => Number(String(service).replace('service-', '')));
  assert.deepEqual(
    numbers,
    [...numbers].sort((a, b) => a - b),
  );
  assert.ok(sent.length > 8);
});

test('a request within the bound is sent as it is, and without a bound nothing is encoded', async () => {
  const { splitter, sent } = createSplitter(() => fullyAccepted);
  const never = { ...fakeRequest(1), encoded: () => assert.fail('nobody needs its bytes') };
  await splitter.deliver(never, neverAborted);
  assert.deepEqual(sent, [never]);
  const bounded = createSplitter(() => fullyAccepted, whole.encoded().length);
  await bounded.splitter.deliver(whole, neverAborted);
  assert.deepEqual(bounded.sent, [whole]);
});

test('a report that was cut before it was offered is sent as one that was not', async () => {
  const bytes = whole.encoded();
  const sentBy = async (request: ExportRequest, isPrepared: boolean) => {
    const { splitter, sent, count } = createSplitter(() => fullyAccepted, 40_000);
    if (isPrepared) atOnce(splitter.prepare(request));
    assert.equal(request.parts !== undefined, isPrepared);
    assert.equal(await splitter.deliver(request, neverAborted), 'finished');
    const splits = await count('framekeeper_exporter_split_requests{exporter="a",reason="max_bytes"}');
    return { splits, sent: sent.map((part) => Buffer.from(part.encoded()).toString('latin1')) };
  };
  const late = await sentBy(createEncodedRequest(bytes, 1000), false);
  const early = await sentBy(createExportRequest(decodeProfilesData(bytes), 1000), true);
  assert.ok(late.sent.length > 3);
  assert.equal(late.splits, 1);
  assert.equal(early.splits, 1);
  assert.ok(early.sent.join() === late.sent.join());
});

test('a part that a receiver refuses for its size is split to what it takes', async () => {
  const limitBytes = 30_000;
  const { splitter, sent, count } = createSplitter(
    (request) => (request.encoded().length > limitBytes ? tooLarge({ limitBytes }) : fullyAccepted),
    40_000,
  );
  const request = createExportRequest(decodeProfilesData(whole.encoded()), 1000);
  atOnce(splitter.prepare(request));
  await splitter.deliver(request, neverAborted);
  assert.ok(sent.some((part) => part.encoded().length > limitBytes));
  assert.equal(await count('otelcol_exporter_sent_profile_samples{exporter="a"}'), 1000);
});

test('once the deadline has passed, the parts that are left are counted and not sent', async () => {
  const cut = new AbortController();
  const { splitter, sent, count } = createSplitter(() => {
    cut.abort();
    return fullyAccepted;
  }, 30_000);
  await splitter.deliver(whole, cut.signal);
  assert.equal(sent.length, 1);
  const left = 1000 - sent[0]!.sampleCount;
  assert.equal(await count('otelcol_exporter_sent_profile_samples{exporter="a"}'), sent[0]!.sampleCount);
  assert.equal(await count('otelcol_exporter_send_failed_profile_samples{exporter="a",error_type="Shutdown"}'), left);
});

test('a queue that keeps what is interrupted gets it back as a whole, and its rest is not counted', async () => {
  const stopped: SendResult = { kind: 'retryable', errorType: 'Shutdown', reason: 'stopping' };
  for (const last of [fullyAccepted, stopped]) {
    const cut = new AbortController();
    const { splitter, sent, count } = createSplitter(
      () => {
        if (last === fullyAccepted) cut.abort();
        return last;
      },
      30_000,
      true,
    );
    assert.equal(await splitter.deliver(whole, cut.signal), 'interrupted');
    assert.equal(sent.length, 1);
    assert.equal(await count('otelcol_exporter_send_failed_profile_samples{exporter="a",error_type="Shutdown"}'), 0);
  }
});

test('a part that fails for good does not take the others with it', async () => {
  let attempts = 0;
  const bad: SendResult = { kind: 'permanent', errorType: 'InvalidArgument', reason: 'bad' };
  const { splitter, sent, count } = createSplitter(() => (attempts++ === 1 ? bad : fullyAccepted), 30_000);
  await splitter.deliver(whole, neverAborted);
  const lost = sent[1]!.sampleCount;
  assert.equal(await count('otelcol_exporter_sent_profile_samples{exporter="a"}'), 1000 - lost);
});

test('who waits learns of samples that are too large for any part', async () => {
  const data = syntheticProfiles();
  const { dictionary } = data;
  const stringTable = [...dictionary.stringTable].map((text, index) => (index === 1 ? 'x'.repeat(30_000) : text));
  const large = createExportRequest({ ...data, dictionary: { ...dictionary, stringTable } }, 1000);
  const { splitter, count } = createSplitter(() => fullyAccepted, 20_000);
  assert.equal(await splitter.deliver(whole, neverAborted), 'finished');
  assert.partialDeepStrictEqual(await splitter.deliver(large, neverAborted), { kind: 'failed', isRetryable: false });
  const lost = await count('otelcol_exporter_send_failed_profile_samples{exporter="a",error_type="too_large"}');
  assert.ok(lost > 0);
});

for (const { name, limitBytes } of [
  { name: 'too small to be one', limitBytes: 4 },
  { name: 'that the message was within', limitBytes: 10_000_000 },
  { name: 'that nobody said', limitBytes: undefined },
]) {
  test(`a refusal with a limit ${name} halves the message and is not remembered`, async () => {
    const { splitter, sent, logs, count } = createSplitter((request) =>
      request === whole ? tooLarge({ limitBytes }) : fullyAccepted,
    );
    await splitter.deliver(whole, neverAborted);
    assert.deepEqual(
      sent.map(({ sampleCount }) => sampleCount),
      [1000, 500, 500],
    );
    await splitter.deliver(whole, neverAborted);
    assert.equal(sent.length, 6);
    assert.equal(await count('otelcol_exporter_sent_profile_samples{exporter="a"}'), 2000);
    assert.deepEqual(
      logs.lines.filter(({ level }) => level > 20),
      [],
    );
  });
}

/** One profile of one sample for each service. */
const services = buildData(
  ...['shop', 'cart', 'mail', 'auth'].map((service) => ({
    samples: [{ at: [1], stack: [{ names: [service] }] }],
    resource: { 'service.name': service },
  })),
);
const serviceOf = ({ data }: ExportRequest): unknown => data.resourceProfiles[0]!.resource.attributes[0]!.value;
const hasOneResource = ({ data }: ExportRequest): boolean => data.resourceProfiles.length === 1;

test('a request that is refused in part is sent again resource by resource, and each is counted for itself', async () => {
  const tooOld: SendResult = { kind: 'permanent', errorType: 'InvalidArgument', reason: 'too old', isPartial: true };
  const { splitter, sent, logs, count } = createSplitter((request) =>
    hasOneResource(request) && serviceOf(request) !== 'cart' && serviceOf(request) !== 'mail' ? fullyAccepted : tooOld,
  );
  const result = await splitter.deliver(createExportRequest(services, 4), neverAborted);
  assert.deepEqual(result, { kind: 'failed', isRetryable: false, reason: 'too old' });
  assert.deepEqual(sent.slice(1).map(serviceOf), ['shop', 'cart', 'mail', 'auth']);
  assert.equal(await count('otelcol_exporter_sent_profile_samples{exporter="a"}'), 2);
  const failed = 'otelcol_exporter_send_failed_profile_samples{exporter="a",error_type="InvalidArgument"}';
  assert.equal(await count(failed), 2);
  assert.equal(await count('framekeeper_exporter_split_requests{exporter="a",reason="partial"}'), 1);
  const lines = logs.lines.filter(({ level }) => level >= 50);
  assert.deepEqual(
    lines.map(({ error, dropped_items }) => [error, dropped_items]),
    [['too old (the first of 2 parts)', 2]],
    'one line, however many resources fail',
  );
});

test('a request of one resource that is refused is not sent again', async () => {
  const bad: SendResult = { kind: 'permanent', errorType: 'InvalidArgument', reason: 'bad', isPartial: true };
  const { splitter, sent } = createSplitter(() => bad);
  await splitter.deliver(createExportRequest(buildData({ samples: [{ at: [1] }] }), 1), neverAborted);
  assert.equal(sent.length, 1);
});

test('what is interrupted between its resources is kept whole, and failures before that are counted', async () => {
  const cut = new AbortController();
  const refused: SendResult = { kind: 'permanent', errorType: 'InvalidArgument', reason: 'bad', isPartial: true };
  const { splitter, sent, count } = createSplitter(
    (request) => {
      if (hasOneResource(request)) cut.abort();
      return refused;
    },
    Infinity,
    true,
  );
  assert.equal(await splitter.deliver(createExportRequest(services, 4), cut.signal), 'interrupted');
  assert.equal(sent.length, 2);
  assert.equal(
    await count('otelcol_exporter_send_failed_profile_samples{exporter="a",error_type="InvalidArgument"}'),
    1,
  );
});

/** Samples of two resources: those of `greedy` share one name that nearly fills a part, in turn with another such name. */
function amplifying(greedyCount: number, modestCount: number, nameBytes: number) {
  const names = ['A'.repeat(nameBytes), 'B'.repeat(nameBytes)];
  const greedy = Array.from({ length: greedyCount }, (_, index) => ({
    at: [index],
    stack: [{ names: [names[index % 2]!] }],
    attributes: { 'thread.id': BigInt(index) },
  }));
  const modest = Array.from({ length: modestCount }, (_, index) => ({
    at: [index],
    stack: [{ names: [`modest ${index}`] }],
  }));
  const data = buildData(
    { samples: greedy, resource: { 'service.name': 'greedy' } },
    { samples: modest, resource: { 'service.name': 'modest' } },
  );
  return createExportRequest(data, greedyCount + modestCount);
}

for (const { name, maxBytes, answer } of [
  { name: 'the exporter bounds', maxBytes: 20_000, answer: () => fullyAccepted },
  { name: 'the receiver bounds', maxBytes: Infinity, answer: limitOf(20_000) },
  { name: 'the receiver bounds without a number', maxBytes: Infinity, answer: halvingTo(20_000) },
]) {
  test(`parts that ${name} are together at most ${maxSplitGrowth} times the request; the excess costs its own resource`, async () => {
    const request = amplifying(2_000, 50, 18_000);
    const { splitter, sent, logs, count } = createSplitter(answer, maxBytes);
    const began = process.cpuUsage().user;
    await splitter.deliver(request, neverAborted);
    const taken = sent.filter((part) => answer(part).kind === 'accepted');
    const bytes = taken.reduce((sum, part) => sum + part.encoded().length, 0);
    assert.ok(bytes <= maxSplitGrowth * request.encoded().length, `${bytes} bytes`);
    const services = taken.flatMap(({ data }) =>
      data.resourceProfiles.flatMap(({ resource, scopeProfiles }) =>
        scopeProfiles.flatMap(({ profiles }) =>
          profiles.flatMap(({ samples }) => [...samples].map(() => resource.attributes[0]!.value)),
        ),
      ),
    );
    assert.equal(services.filter((service) => service === 'modest').length, 50);
    const failed = await count('otelcol_exporter_send_failed_profile_samples{exporter="a",error_type="too_large"}');
    assert.equal((await count('otelcol_exporter_sent_profile_samples{exporter="a"}')) + failed, 2_050);
    assert.ok(failed > 1_000);
    const line = logs.lines.find(({ error }) => /the largest is/.test(String(error)));
    assert.match(String(line?.error), /stringTable\[\d+\] with 18004 bytes$/);
    assert.ok(process.cpuUsage().user - began < 5_000_000);
  });
}

test('a report that was cut before it was offered has no more room for parts of its parts', async () => {
  const bytes = amplifying(2_000, 50, 18_000).encoded();
  const request = createExportRequest(decodeProfilesData(bytes), 2_050);
  const answer = limitOf(20_000);
  const { splitter, sent, count } = createSplitter(answer, 42_000);
  atOnce(splitter.prepare(request));
  assert.ok(request.parts !== undefined);
  await splitter.deliver(request, neverAborted);
  const taken = sent.filter((part) => answer(part).kind === 'accepted');
  const sentBytes = taken.reduce((sum, part) => sum + part.encoded().length, 0);
  assert.ok(sentBytes <= maxSplitGrowth * bytes.length, `${sentBytes / bytes.length} times`);
  assert.ok(sentBytes > 5 * bytes.length);
  const failed = await count('otelcol_exporter_send_failed_profile_samples{exporter="a",error_type="too_large"}');
  assert.equal((await count('otelcol_exporter_sent_profile_samples{exporter="a"}')) + failed, 2_050);
});

test('many small entries that every part repeats are bounded as well', async () => {
  const names = Array.from({ length: 40 }, (_, index) => String(index).padStart(2, '0').repeat(1_000));
  const samples = Array.from({ length: 8_000 }, (_, index) => ({
    at: [index],
    stack: [{ names: [names[index % 40]!] }],
    attributes: { 'thread.id': BigInt(index) },
  }));
  const request = createExportRequest(buildData({ samples }), 8_000);
  const { splitter, sent, count } = createSplitter(() => fullyAccepted, 5_000);
  await splitter.deliver(request, neverAborted);
  const bytes = sent.reduce((sum, part) => sum + part.encoded().length, 0);
  assert.ok(bytes <= maxSplitGrowth * request.encoded().length, `${bytes / request.encoded().length} times`);
  const failed = await count('otelcol_exporter_send_failed_profile_samples{exporter="a",error_type="too_large"}');
  assert.equal((await count('otelcol_exporter_sent_profile_samples{exporter="a"}')) + failed, 8_000);
});

function limitOf(limitBytes: number) {
  return (request: ExportRequest): SendResult =>
    request.encoded().length > limitBytes ? tooLarge({ limitBytes }) : fullyAccepted;
}

function halvingTo(limitBytes: number) {
  return (request: ExportRequest): SendResult =>
    request.encoded().length > limitBytes ? tooLarge({ limitBytes: undefined }) : fullyAccepted;
}

test('a large request is split by a thread into the same parts', async (t) => {
  const bytes = encodeProfilesData(manyFunctions(20_000));
  assert.ok(createEncodedRequest(bytes, 1_000).isLarge);
  const large = new LargeRequests(systemClock);
  t.after(() => large.stop());
  const asked: number[] = [];
  const split = large.split.bind(large);
  large.split = (request) => {
    asked.push(request.requests[0].length);
    return split(request);
  };
  const parts = [];
  for (const splits of [undefined, large]) {
    const { splitter, sent } = createSplitter(() => fullyAccepted, 300_000, false, splits);
    await splitter.deliver(createEncodedRequest(bytes, 1_000, 3), neverAborted);
    parts.push(sent.map((part) => [Buffer.from(part.encoded()).toString('base64'), part.sampleCount, part.hops]));
  }
  assert.ok(parts[0]!.length > 3);
  assert.ok(JSON.stringify(parts[1]) === JSON.stringify(parts[0]));
  assert.deepEqual(asked, [bytes.length]);
});

test('a large request that the thread does not manage is split here', async () => {
  const bytes = encodeProfilesData(manyFunctions(20_000));
  const large = { split: async () => undefined } as unknown as LargeRequests;
  const { splitter, sent } = createSplitter(() => fullyAccepted, 300_000, false, large);
  await splitter.deliver(createEncodedRequest(bytes, 1_000), neverAborted);
  assert.ok(sent.length > 3);
});
