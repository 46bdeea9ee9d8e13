import assert from 'node:assert/strict';
import { InvalidMessage } from '../../src/model/invalid-message.ts';
import type { ProfilesData } from '../../src/otlp/profiles-data.ts';
import { decodeAnyJson, decodeAnyWire } from '../../src/otlp/protobuf/decode-any-wire.ts';
import { decodeProfilesData } from '../../src/otlp/protobuf/decode-profiles-data.ts';
import { enrichPassable } from '../../src/profile/names/enrich-passable.ts';
import type { LocationCounts } from '../../src/profile/names/enrich-profiles.ts';
import { enrichProfiles } from '../../src/profile/names/enrich-profiles.ts';
import { LearnedLately } from '../../src/profile/names/learned-lately.ts';
import type { MessageContent } from '../../src/receivers/otlp/decode-message.ts';
import type { ReadMessage } from '../../src/receivers/otlp/message-reader.ts';
import { MessageReader } from '../../src/receivers/otlp/message-reader.ts';
import { sortOutProfiles } from '../../src/receivers/otlp/sort-out-profiles.ts';
import { atOnce } from '../../src/support/steps.ts';
import { SymbolMap } from './symbol-map.ts';
import { withLists } from './with-lists.ts';

/** The way of a message: `as_it_was`, `named`, `inlined`, or the reason why it was rebuilt; `refused` when it was not read. */
export type Way = string;

/**
 * Passes messages on as the service does, and again with everything decoded, sorted out and encoded; each way with names
 * of its own.
 */
export class TwoWays {
  readonly #reader = new MessageReader();
  readonly #names = new SymbolMap();
  readonly #lately = new LearnedLately(3_600_000);
  readonly #slowNames = new SymbolMap();

  /** Passes one message on. @throws AssertionError where the two ways differ in anything but the order of the dictionary */
  pass(content: MessageContent): Way {
    const { read, slow } = this.#readBoth(content);
    if (read === undefined || slow === undefined) {
      assert.equal(read, slow);
      return 'refused';
    }
    const { data: _, scan, release: __, isLarge = false, bytes, ...head } = read;
    assert.deepEqual([isLarge, bytes], [false, undefined]);
    const { data: sound, ...slowHead } = slow;
    assert.deepEqual(head, slowHead);
    const expected = enrichProfiles(sound, this.#slowNames);
    const options = { lately: this.#lately };
    const kept = scan.kind === 'passable' ? atOnce(enrichPassable(scan.profiles, this.#names, options)) : undefined;
    const reason = scan.kind === 'passable' ? 'same_location' : scan.reason;
    const isDistinct = scan.kind === 'passable' || scan.reason === 'orphan';
    const rebuilt = kept === undefined ? enrichProfiles(read.data, this.#names, isDistinct) : undefined;
    if (rebuilt !== undefined) this.#lately.forget();
    assert.deepEqual(countsOf(kept ?? rebuilt!), countsOf(expected));
    assertSameData(kept === undefined ? rebuilt!.data : decodeProfilesData(kept.bytes), expected.data);
    assert.deepEqual(this.#names, this.#slowNames);
    if (kept === undefined) return reason;
    if (kept.namedLocations > 0) return 'named';
    return kept.bytes === content.bytes ? 'as_it_was' : 'inlined';
  }

  #readBoth(content: MessageContent): { read: ReadMessage | undefined; slow: SlowMessage | undefined } {
    let slow: SlowMessage | undefined;
    try {
      slow = readSlowly(content);
    } catch (error) {
      if (!(error instanceof InvalidMessage)) throw error;
      assert.throws(() => this.#reader.read(content), error);
      return { read: undefined, slow };
    }
    return { read: this.#reader.read(content), slow };
  }
}

type SlowMessage = Omit<ReadMessage, 'scan'>;

function readSlowly({ encoding, bytes, isVersionDeclared }: MessageContent): SlowMessage {
  const finding = isVersionDeclared ? ({ kind: 'found', version: 'current' } as const) : undefined;
  const { data, version, mendedTexts, misnumberedSamples } =
    encoding === 'json'
      ? decodeAnyJson(Buffer.from(bytes).toString())
      : decodeAnyWire(bytes, isVersionDeclared, finding);
  return { ...sortOutProfiles(data, { misnumbered: misnumberedSamples }), version, mendedTexts };
}

function countsOf({ learnedLocations, namedLocations, unnamedLocations, unnamed }: LocationCounts): LocationCounts {
  const key = ({ reason, frameType }: LocationCounts['unnamed'][number]): string => `${reason} ${frameType}`;
  const sorted = unnamed.toSorted((a, b) => key(a).localeCompare(key(b)));
  return { learnedLocations, namedLocations, unnamedLocations, unnamed: sorted };
}

const nobody = {
  learnExecutable() {},
  learnSymbol() {},
  openFile: () => undefined,
  reasonUnknown: () => 'never_submitted',
};

/** Writing a dictionary anew puts it into the order of its use, and leaves out what nobody uses or what is there twice. */
function assertSameData(actual: ProfilesData, expected: ProfilesData): void {
  assert.deepEqual(sizesOf(actual), sizesOf(expected));
  assert.deepEqual(withLists(enrichProfiles(actual, nobody).data), withLists(enrichProfiles(expected, nobody).data));
}

function sizesOf({ dictionary }: ProfilesData): Record<string, number> {
  return Object.fromEntries(Object.entries(dictionary).map(([table, entries]) => [table, entries.length]));
}
