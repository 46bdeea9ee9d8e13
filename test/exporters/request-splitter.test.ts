import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SendResult, TooLarge } from '../../src/exporters/export-client.ts';
import { fullyAccepted } from '../../src/exporters/export-client.ts';
import { createExportEvents } from '../../src/exporters/export-events.ts';
import type { ExportRequest } from '../../src/exporters/export-request.ts';
import { createExportRequest } from '../../src/exporters/export-request.ts';
import { RequestSplitter } from '../../src/exporters/request-splitter.ts';
import { syntheticProfiles } from '../bench/synthetic-profiles.ts';
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

function createSender(answer: (request: ExportRequest) => SendResult, maxBytes = Infinity, keeps = false) {
  const { meter, values } = recordMetrics();
  const sent: ExportRequest[] = [];
  const logs = recordLogs();
  const send = async (request: ExportRequest): Promise<SendResult> => {
    sent.push(request);
    return answer(request);
  };
  const sender = new RequestSplitter(
    send,
    maxBytes,
    keeps,
    createExportEvents('a', { logger: logs.logger, meter, clock: new FakeClock() }),
  );
  const count = async (name: string): Promise<number> => (await values()).get(name) ?? 0;
  return { sender, sent, logs, count };
}

test('parts are sent one after the other, in the order of their samples', async () => {
  const { sender, sent } = createSender(() => fullyAccepted, 30_000);
  await sender.deliver(whole, neverAborted);
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
  const { sender, sent } = createSender(() => fullyAccepted);
  const never = { ...fakeRequest(1), encoded: () => assert.fail('nobody needs its bytes') };
  await sender.deliver(never, neverAborted);
  assert.deepEqual(sent, [never]);
  const bounded = createSender(() => fullyAccepted, whole.encoded().length);
  await bounded.sender.deliver(whole, neverAborted);
  assert.deepEqual(bounded.sent, [whole]);
});

test('once the deadline has passed, the parts that are left are counted and not sent', async () => {
  const cut = new AbortController();
  const { sender, sent, count } = createSender(() => {
    cut.abort();
    return fullyAccepted;
  }, 30_000);
  await sender.deliver(whole, cut.signal);
  assert.equal(sent.length, 1);
  const left = 1000 - sent[0]!.sampleCount;
  assert.equal(await count('otelcol_exporter_sent_profile_samples{exporter="a"}'), sent[0]!.sampleCount);
  assert.equal(await count('otelcol_exporter_send_failed_profile_samples{exporter="a",error_type="Shutdown"}'), left);
});

test('a queue that keeps what is interrupted gets it back as a whole, and its rest is not counted', async () => {
  const stopped: SendResult = { kind: 'retryable', errorType: 'Shutdown', reason: 'stopping' };
  for (const last of [fullyAccepted, stopped]) {
    const cut = new AbortController();
    const { sender, sent, count } = createSender(
      () => {
        if (last === fullyAccepted) cut.abort();
        return last;
      },
      30_000,
      true,
    );
    assert.equal(await sender.deliver(whole, cut.signal), 'interrupted');
    assert.equal(sent.length, 1);
    assert.equal(await count('otelcol_exporter_send_failed_profile_samples{exporter="a",error_type="Shutdown"}'), 0);
  }
});

test('a part that fails for good does not take the others with it', async () => {
  let attempts = 0;
  const bad: SendResult = { kind: 'permanent', errorType: 'InvalidArgument', reason: 'bad' };
  const { sender, sent, count } = createSender(() => (attempts++ === 1 ? bad : fullyAccepted), 30_000);
  await sender.deliver(whole, neverAborted);
  const lost = sent[1]!.sampleCount;
  assert.equal(await count('otelcol_exporter_sent_profile_samples{exporter="a"}'), 1000 - lost);
});

test('who waits learns of samples that are too large for any part', async () => {
  const data = syntheticProfiles();
  const { dictionary } = data;
  const stringTable = dictionary.stringTable.map((text, index) => (index === 1 ? 'x'.repeat(30_000) : text));
  const large = createExportRequest({ ...data, dictionary: { ...dictionary, stringTable } }, 1000);
  const { sender, count } = createSender(() => fullyAccepted, 20_000);
  assert.equal(await sender.deliver(whole, neverAborted), 'finished');
  assert.partialDeepStrictEqual(await sender.deliver(large, neverAborted), { kind: 'failed', isRetryable: false });
  const lost = await count('otelcol_exporter_send_failed_profile_samples{exporter="a",error_type="too_large"}');
  assert.ok(lost > 0);
});

for (const { name, limitBytes } of [
  { name: 'too small to be one', limitBytes: 4 },
  { name: 'that the message was within', limitBytes: 10_000_000 },
  { name: 'that nobody said', limitBytes: undefined },
]) {
  test(`a refusal with a limit ${name} halves the message and is not remembered`, async () => {
    const { sender, sent, logs, count } = createSender((request) =>
      request === whole ? tooLarge({ limitBytes }) : fullyAccepted,
    );
    await sender.deliver(whole, neverAborted);
    assert.deepEqual(
      sent.map(({ sampleCount }) => sampleCount),
      [1000, 500, 500],
    );
    await sender.deliver(whole, neverAborted);
    assert.equal(sent.length, 6);
    assert.equal(await count('otelcol_exporter_sent_profile_samples{exporter="a"}'), 2000);
    assert.deepEqual(
      logs.lines.filter(({ level }) => level > 20),
      [],
    );
  });
}
