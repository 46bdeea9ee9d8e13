import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PassableScanner } from '../../../src/otlp/passable/passable-scanner.ts';
import { decodeProfilesData } from '../../../src/otlp/protobuf/decode-profiles-data.ts';
import { encodeDictionary } from '../../../src/otlp/protobuf/encode-dictionary.ts';
import { encodeScopeProfiles } from '../../../src/otlp/protobuf/encode-profiles-data.ts';
import { ProtobufWriter } from '../../../src/otlp/protobuf/protobuf-writer.ts';
import { enrichPassable } from '../../../src/profile/names/enrich-passable.ts';
import { enrichProfiles } from '../../../src/profile/names/enrich-profiles.ts';
import { atOnce } from '../../../src/support/steps.ts';
import { goodProfiles } from '../../otlp/good-profiles.ts';
import { SymbolMap } from '../../support/symbol-map.ts';
import { withLists } from '../../support/with-lists.ts';

const texts = ['labels', 'zone', 'x'.repeat(100), 'list', 'é'];

/** A request whose resource has references within maps and lists, `times` such attributes and one without a reference. */
function nested(times: number): Uint8Array {
  const data = withLists(enrichProfiles(goodProfiles(), new SymbolMap()).data);
  const first = data.dictionary.stringTable.length;
  const writer = new ProtobufWriter(64);
  const dictionary = { ...data.dictionary, stringTable: [...data.dictionary.stringTable, ...texts] };
  atOnce(encodeDictionary(writer, dictionary));
  writer.message(2, 0);
  const mark = writer.length;
  const scope = writer.length;
  encodeScopeProfiles(writer, data.resourceProfiles[0]!.scopeProfiles[0]!);
  writer.message(2, scope);
  const within = (field: number, write: () => void): void => {
    const start = writer.length;
    write();
    writer.message(field, start);
  };
  const refer = (field: number, text: number): void => writer.explicitInt64(field, BigInt(first + text));
  within(1, () => {
    for (let i = 0; i < times; i++) {
      within(1, () => {
        within(2, () =>
          within(6, () => {
            within(1, () => {
              within(2, () =>
                within(5, () => {
                  within(1, () => refer(8, 4));
                  within(1, () => writer.text(1, `${i}`));
                }),
              );
              refer(3, 3);
            });
            within(1, () => {
              within(2, () => refer(8, 2));
              refer(3, 1);
            });
          }),
        );
        refer(3, 0);
      });
    }
    within(1, () => {
      within(2, () => writer.text(1, 'plain'));
      writer.text(1, 'service.name');
    });
  });
  writer.message(1, mark);
  return writer.finish();
}

for (const times of [1, 700]) {
  test(`references within maps and lists become texts, ${times} times`, () => {
    const bytes = nested(times);
    const scan = new PassableScanner().scan(bytes, true);
    assert.ok(scan.kind === 'passable' && scan.profiles.hasReferences);
    const inlined = decodeProfilesData(atOnce(enrichPassable(scan.profiles, new SymbolMap()))!.bytes);
    const { resourceProfiles, dictionary } = withLists(decodeProfilesData(bytes));
    const stringTable = dictionary.stringTable.slice(0, -texts.length);
    assert.deepEqual(withLists(inlined), { resourceProfiles, dictionary: { ...dictionary, stringTable } });
    assert.deepEqual(inlined.resourceProfiles[0]!.resource.attributes.at(-1), {
      key: 'labels',
      value: {
        entries: [
          { key: 'zone', value: texts[2] },
          { key: 'list', value: ['0', 'é'] },
        ],
      },
    });
  });
}
