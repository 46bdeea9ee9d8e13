import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { InvalidMessage } from '../../src/model/invalid-message.ts';
import { encodeProfilesJson } from '../../src/otlp/json/encode-profiles-json.ts';
import type { ProfilesData } from '../../src/otlp/profiles-data.ts';
import { decodeProfilesData } from '../../src/otlp/protobuf/decode-profiles-data.ts';
import { decodeProfilesJson } from '../support/decode-json.ts';
import { withLists } from '../support/with-lists.ts';
import { exampleProfiles } from './example-profiles.ts';
import { render } from './pdata.ts';

/** What may stand in a place where something else belongs. */
const strangers = [
  ...[null, true, [], {}, [5], { a: 1 }],
  ...[0, 5, 1.5, -1, 1000, 2 ** 31, 2 ** 32, 1e20],
  ...['', '5', '1e3', '0x5', ' 5', '00', '-0', 'NaN', 'zz', 'AAA', 'AA==', '-_8=', 'abc', '18446744073709551615'],
];

test('a request with anything in any place is read as the Collector reads it, or refused by one of us', async (t) => {
  const changes = fc.sample(fc.record({ place: fc.nat(), value: fc.constantFrom(...strangers) }), {
    seed: 20261123,
    numRuns: 4000,
  });
  const changed = changes.map(({ place, value }) => withStranger(place, value));
  const texts = changed.map(({ text }) => text);
  const theirs = await render('request', 'proto', texts);
  const refused = { byBoth: 0, byUs: new Set<string>(), byThem: 0 };
  for (const [i, { text, what, isNullInOneof }] of changed.entries()) {
    const ours = readOrRefuse(text);
    const their = theirs[i]!;
    if (ours === undefined && 'error' in their) refused.byBoth += 1;
    else if (ours === undefined) refused.byUs.add(what);
    else if ('error' in their) refused.byThem += 1;
    // For protobuf's JSON null is "not set"; the Collector sets it to nothing.
    else if (!isNullInOneof)
      assert.ok(isDeepStrictEqual(cutLike(ours, withLists(decodeProfilesData(their.bytes))), ours), what);
  }
  t.diagnostic(`refused by both ${refused.byBoth}, by the Collector alone ${refused.byThem}`);
  // Elements of lists may not be null in protobuf's JSON; nothing else that the Collector takes is refused.
  assert.deepEqual(
    [...refused.byUs].filter((what) => !what.endsWith('[] = null')),
    [],
  );
});

/** The example as JSON, with `value` in one of its places: `place` counts them all. */
function withStranger(place: number, value: unknown): { text: string; what: string; isNullInOneof: boolean } {
  const json = JSON.parse(encodeProfilesJson(exampleProfiles()));
  const places: { owner: Record<string, unknown>; key: string; path: string }[] = [];
  const visit = (owner: Record<string, unknown>, at: string): void => {
    for (const [key, item] of Object.entries(owner)) {
      const path = Array.isArray(owner) ? `${at}[]` : `${at}.${key}`;
      places.push({ owner, key, path });
      if (typeof item === 'object' && item !== null) visit(item as Record<string, unknown>, path);
    }
  };
  visit(json, '');
  const { owner, key, path } = places[place % places.length]!;
  owner[key] = value;
  const isNullInOneof = value === null && /[a-z]Value$/.test(key);
  return { text: JSON.stringify(json), what: `${path} = ${JSON.stringify(value)}`, isNullInOneof };
}

function readOrRefuse(text: string): ProfilesData | undefined {
  try {
    return decodeProfilesJson(text);
  } catch (error) {
    if (error instanceof InvalidMessage) return undefined;
    throw error;
  }
}

/** The Collector puts strings of attributes behind those of the table. */
function cutLike({ dictionary: { stringTable } }: ProfilesData, theirs: ProfilesData): ProfilesData {
  const cut = [...theirs.dictionary.stringTable].slice(0, stringTable.length);
  return { ...theirs, dictionary: { ...theirs.dictionary, stringTable: cut } };
}
