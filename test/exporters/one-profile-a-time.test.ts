import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createExportRequest } from '../../src/exporters/export-request.ts';
import type { ProfilesData } from '../../src/otlp/profiles-data.ts';
import { countSamples } from '../../src/otlp/profiles-data.ts';
import { decodeProfilesData } from '../../src/otlp/protobuf/decode-profiles-data.ts';
import { syntheticProfiles } from '../bench/synthetic-profiles.ts';
import { buildData } from '../support/build-data.ts';
import { compactedTotals } from '../support/compacted-total.ts';
import { connectGrpc } from './connect.ts';

/** One profile of so many stacks; Pyroscope takes 16,000 samples a profile. */
function manyStacks(count: number): ProfilesData {
  return buildData({
    samples: Array.from({ length: count }, (_, index) => ({
      at: [index * 1000],
      stack: [{ names: [`f${index % 400}`], address: BigInt(index + 1) }],
    })),
  });
}

/** Processes that Pyroscope's dialect cannot tell apart; their profiles begin together. */
const cycle = syntheticProfiles();

for (const { name, values, stacks } of [
  { name: 'whole', values: {}, stacks: 16_500 },
  { name: 'split to 30,000 bytes', values: { max_request_bytes: 30_000 }, stacks: 500 },
  {
    name: 'in batches of 200 samples',
    values: { sending_queue: { batch: { sizer: 'items', min_size: 100, max_size: 200 } } },
    stacks: 500,
  },
  {
    name: 'in batches of 900 samples, split to 20,000 bytes',
    values: { max_request_bytes: 20_000, sending_queue: { batch: { sizer: 'items', min_size: 700, max_size: 900 } } },
    stacks: 500,
  },
]) {
  for (const dialect of ['pyroscope', 'generic']) {
    test(`a backend that keeps one profile for equal labels and time keeps all samples, sent ${name}, dialect ${dialect}`, async (t) => {
      const { server, exporter, metrics } = await connectGrpc(t, { values: { dialect, ...values } });
      const requests = [manyStacks(stacks), cycle];
      for (const data of requests) exporter.offer(createExportRequest(data, countSamples(data)));
      await exporter.stop(new AbortController().signal);
      const sent = compactedTotals(requests).received;
      assert.deepEqual(compactedTotals(server.requests.map(({ bytes }) => decodeProfilesData(bytes))), {
        received: sent,
        kept: sent,
      });
      assert.equal(
        (await metrics()).get('otelcol_exporter_send_failed_profile_samples{exporter="otlp_grpc/test"}'),
        undefined,
      );
    });
  }
}
