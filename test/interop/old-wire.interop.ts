import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { InvalidMessage } from '../../src/model/invalid-message.ts';
import { encodeProfilesJson } from '../../src/otlp/json/encode-profiles-json.ts';
import type { ProfilesData } from '../../src/otlp/profiles-data.ts';
import { decodeAnyJson, decodeAnyWire } from '../../src/otlp/protobuf/decode-any-wire.ts';
import type { Mutable } from '../otlp/good-profiles.ts';
import { soundProfiles } from '../otlp/sound-profiles.ts';
import { withLists } from '../support/with-lists.ts';
import { exampleProfiles } from './example-profiles.ts';
import { assertSameProfiles, normalForm } from './normal-form.ts';
import { renderAll } from './pdata.ts';
import { recordedRequest } from './recorded-request.ts';

/** Releases of the Collector that wrote other wires, and how fields were called in their JSON. */
const releases = [
  { collector: '0.136', wire: 'v1.8', names: { samples: 'sample', lines: 'line' } },
  { collector: '0.145', wire: 'v1.9', names: {} },
] as const;

/** JSON of today with the names of that time; no text in it looks like a field. */
function renamed(json: string, names: Readonly<Record<string, string>>): string {
  return Object.entries(names).reduce((text, [now, then]) => text.replaceAll(`"${now}":[`, `"${then}":[`), json);
}

for (const { collector, wire, names } of releases) {
  test(`what the Collector ${collector} wrote, the wire of ${wire}, is read as it was meant`, async () => {
    const messages = [exampleProfiles(), await recordedRequest()];
    const texts = messages.map((message) => renamed(encodeProfilesJson(message), names));
    const bytes = await renderAll('request', 'proto', texts, collector);
    for (const [i, message] of messages.entries()) {
      const read = decodeAnyWire(bytes[i]!, false);
      assert.equal(read.version, wire);
      assertSameProfiles(normalForm([read.data]), normalForm([message]));
    }
  });

  test(`anything that the Collector ${collector} could write is read as it was meant or refused`, async (t) => {
    const messages = fc
      .sample(soundProfiles, { seed: 20261123, numRuns: 1000 })
      .map((message) => shaped(message as Mutable<ProfilesData>));
    const texts = messages.map((message) => renamed(encodeProfilesJson(message), names));
    const bytes = await renderAll('request', 'proto', texts, collector);
    let refused = 0;
    for (const [i, message] of messages.entries()) {
      const read = readOrRefuse(bytes[i]!);
      if (read === undefined) refused += 1;
      else assert.deepEqual(withLists(read), message, `message ${i}`);
    }
    t.diagnostic(`${refused} of ${messages.length} were refused`);
    assert.ok(refused < messages.length / 2);
  });
}

test('what the Collector 0.133 wrote, the wire of v1.7, is refused', async () => {
  const names = { samples: 'sample', lines: 'line', values: 'value' };
  const texts = [exampleProfiles(), await recordedRequest()].map((message) =>
    renamed(encodeProfilesJson(message), names)
      // A profile had types of sample, and a sample a range of locations.
      .replaceAll(/"sampleType":(\{[^}]*\})/g, '"sampleType":[$1]')
      .replaceAll('"stackIndex":', '"locationsLength":2,"locationsStartIndex":'),
  );
  for (const bytes of await renderAll('request', 'proto', texts, '0.133')) {
    assert.throws(() => decodeAnyWire(bytes, false), { message: /samples are those of a version before v1\.8/ });
  }
});

test('JSON of a release that called fields otherwise is refused', async () => {
  const names = { samples: 'sample', lines: 'line' };
  const proto = await renderAll('request', 'proto', [renamed(encodeProfilesJson(exampleProfiles()), names)], '0.136');
  const [json] = await renderAll('request', 'json', proto, '0.136');
  assert.throws(() => decodeAnyJson(json!.toString()), { message: /"\w+" is a list of OTLP before v1\.9/ });
});

/** With samples of the shapes that there are, and with IDs that the Collector does not take for none. */
function shaped(message: Mutable<ProfilesData>): ProfilesData {
  for (const { traceId, spanId } of message.dictionary.linkTable) for (const id of [traceId, spanId]) noZeros(id);
  for (const { scopeProfiles } of message.resourceProfiles) {
    for (const { profiles } of scopeProfiles) {
      for (const { profileId, samples } of profiles) {
        noZeros(profileId);
        for (const sample of samples) {
          const { length } = sample.timestampsUnixNano;
          // One value alone; beside timestamps as many as these, or none.
          if (length === 0) sample.values = [sample.values[0] ?? 1n];
          else if (sample.values.length > 0) sample.values = Array.from({ length }, (_, i) => sample.values[i] ?? 1n);
        }
      }
    }
  }
  return message as ProfilesData;
}

function noZeros(id: Uint8Array): void {
  if (id.length > 0) id[0] ||= 1;
}

function readOrRefuse(bytes: Uint8Array): ProfilesData | undefined {
  try {
    return decodeAnyWire(bytes, false).data;
  } catch (error) {
    if (error instanceof InvalidMessage) return undefined;
    throw error;
  }
}
