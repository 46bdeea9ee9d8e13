// hot
import type { FrameSymbol } from '../../model/frame-symbol.ts';
import { tables } from '../../otlp/passable/dictionary-columns.ts';
import type { NewLine } from '../../otlp/passable/dictionary-patch.ts';
import { DictionaryPatch } from '../../otlp/passable/dictionary-patch.ts';
import { PairHash } from '../../otlp/passable/pair-hash.ts';
import type { PassableProfiles } from '../../otlp/passable/passable-scanner.ts';
import { TextColumns } from '../../otlp/passable/text-columns.ts';
import { noElements } from '../../otlp/profiles-data.ts';
import type { Steps } from '../../support/steps.ts';
import type { LocationCounts } from './enrich-profiles.ts';
import type { LearnedLately } from './learned-lately.ts';
import type { LocationView, NamingSession } from './location-naming.ts';
import { LocationNaming } from './location-naming.ts';
import type { MappingFile } from './mapping-file.ts';
import { mappingFileOf } from './mapping-file.ts';
import { namedFunctions } from './symbol-lines.ts';
import { UnnamedTally } from './unnamed-frames.ts';

export interface EnrichedBytes extends LocationCounts {
  /** The bytes that came in, unless locations got names. */
  readonly bytes: Uint8Array;
}

/** Locations are learned and named at some microseconds each. */
const locationsAStep = 128;

/** Options of `enrichPassable`. */
export interface EnrichOptions {
  /** Of the store behind the session; has begun the request. */
  readonly lately?: LearnedLately;
  /** True to leave one of two locations nameless that a name would make equal. */
  readonly leavesEqual?: boolean;
}

/**
 * `enrichProfiles` for a message that passes undecoded: the bytes of samples stay as they are. `undefined` when a name makes two
 * locations equal, unless the message `leavesEqual`; the store has learned the message's names by then.
 */
export function* enrichPassable(
  profiles: PassableProfiles,
  session: NamingSession,
  { lately, leavesEqual = false }: EnrichOptions = {},
): Steps<EnrichedBytes | undefined> {
  if (profiles.columns.bytes !== profiles.bytes) throw new TypeError('the columns belong to a later message');
  const texts = new TextColumns(profiles);
  const locations = new ColumnLocations(profiles, texts, lately);
  const naming = new LocationNaming(locations, session, lately);
  const { counts, locationLineStart, locationMapping } = profiles.columns;
  const count = counts[tables.location]!;
  let learnedLocations = 0;
  for (let location = 1; location < count; location++) {
    if (location % locationsAStep === 0 && (yield) !== true) naming.resume();
    // Without a mapping there is no file to learn a name for.
    if (locationMapping[location] !== 0 && naming.learn(location)) learnedLocations++;
  }

  const patch = new DictionaryPatch(profiles, texts);
  let namedLocations = 0;
  let unnamedLocations = 0;
  const tally = new UnnamedTally();
  for (let location = 1; location < count; location++) {
    if (location % locationsAStep === 0 && (yield) !== true) naming.resume();
    if (locationLineStart[location] !== locationLineStart[location + 1]) continue;
    const symbol = naming.find(location);
    const lines = symbol === undefined ? noElements : newLines(patch, symbol);
    const isNamed = lines.length > 0 && patch.nameLocation(location, lines);
    if (isNamed) namedLocations++;
    else if (lines.length > 0 && !leavesEqual) return undefined;
    else {
      unnamedLocations++;
      const reason = lines.length > 0 ? 'same_location' : naming.reasonUnnamed(location);
      tally.add(reason, locations.frameTypeOf(location));
    }
  }
  const bytes = yield* patch.finish();
  return { bytes, learnedLocations, namedLocations, unnamedLocations, unnamed: tally.toArray() };
}

/** True if names of the message's locations are under way; they have been asked for. */
export function* isNameUnderWay(profiles: PassableProfiles, session: NamingSession): Steps<boolean> {
  const naming = new LocationNaming(new ColumnLocations(profiles, new TextColumns(profiles), undefined), session);
  const { counts, locationLineStart } = profiles.columns;
  let isUnderWay = false;
  for (let location = 1; location < counts[tables.location]!; location++) {
    if (location % locationsAStep === 0 && (yield) !== true) naming.resume();
    if (locationLineStart[location] !== locationLineStart[location + 1]) continue;
    if (naming.find(location) === undefined && naming.reasonUnnamed(location) === 'under_way') isUnderWay = true;
  }
  return isUnderWay;
}

function newLines(patch: DictionaryPatch, symbol: FrameSymbol): NewLine[] {
  return namedFunctions(symbol).map(({ line, column, ...called }) => {
    const name = patch.text(called.functionName);
    const systemName = patch.text(called.systemName);
    const file = patch.text(called.filePath);
    return { functionIndex: patch.functionNamed(name, systemName, file, called.startLine), line, column };
  });
}

/** The columns of a scanned dictionary as locations. */
class ColumnLocations implements LocationView {
  readonly locationCount: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #columns: PassableProfiles['columns'];
  readonly #texts: TextColumns;
  readonly #lately: LearnedLately | undefined;
  /** Indices of attribute keys in the string table; -1 for one that is not there. */
  readonly #keys = new Map<string, number>();
  /** By attribute; `undefined` before its first use. */
  readonly #frameTypes: (string | undefined)[] = [];
  readonly #hash = new PairHash();

  constructor({ bytes, columns }: PassableProfiles, texts: TextColumns, lately: LearnedLately | undefined) {
    this.locationCount = columns.counts[tables.location]!;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#columns = columns;
    this.#texts = texts;
    this.#lately = lately;
  }

  mappingOf(location: number): number {
    return this.#columns.locationMapping[location]!;
  }

  addressHigh(location: number): number {
    return this.#columns.locationHigh[location]!;
  }

  addressLow(location: number): number {
    return this.#columns.locationLow[location]!;
  }

  lineCount(location: number): number {
    const { locationLineStart } = this.#columns;
    return locationLineStart[location + 1]! - locationLineStart[location]!;
  }

  lineSymbol(location: number, lineIndex: number): FrameSymbol | undefined {
    const columns = this.#columns;
    const line = columns.locationLineStart[location]! + lineIndex;
    const called = columns.lineFunction[line]!;
    if (columns.lineHigh[line] !== 0 || columns.columnHigh[line] !== 0) return undefined;
    if (columns.functionLineHigh[called] !== 0) return undefined;
    return {
      functionName: this.#texts.at(columns.functionName[called]!),
      systemName: this.#texts.at(columns.functionSystemName[called]!),
      filePath: this.#texts.at(columns.functionFile[called]!),
      line: columns.lineLow[line]!,
      column: columns.columnLow[line]!,
      startLine: columns.functionLineLow[called]!,
      inlined: noElements,
    };
  }

  hashText(location: number, hash: PairHash): void {
    hash.pair(this.#columns.locationTextA[location]!, this.#columns.locationTextB[location]!);
  }

  frameTypeOf(location: number): string {
    const attribute = this.#columns.locationFrameType[location]!;
    if (attribute === 0) return '';
    this.#frameTypes[attribute] ??= this.#texts.ofAttribute(attribute);
    return this.#frameTypes[attribute] ?? '';
  }

  fileOf(mapping: number): MappingFile | undefined {
    if (this.#lately === undefined) return this.#readFile(mapping);
    return this.#lately.fileOf(this.#hashMapping(mapping), () => this.#readFile(mapping));
  }

  #readFile(mapping: number): MappingFile | undefined {
    const { mappingFile, mappingIsLoaded } = this.#columns;
    const fileName = this.#texts.at(mappingFile[mapping]!);
    return mappingFileOf(fileName, mappingIsLoaded[mapping] === 1, (key) => this.#textOfMapping(mapping, key));
  }

  /** A hash of all that `#readFile` reads, and of more. */
  #hashMapping(mapping: number): PairHash {
    const columns = this.#columns;
    const { strings, attributeKey, attributeTextStart, attributeTextEnd } = columns;
    const hash = this.#hash;
    hash.start(tables.mapping);
    const file = columns.mappingFile[mapping]!;
    hash.pair(strings.firstWord(file), strings.secondWord(file));
    hash.word(columns.mappingIsLoaded[mapping]!);
    const end = columns.mappingAttributeStart[mapping + 1]!;
    for (let i = columns.mappingAttributeStart[mapping]!; i < end; i++) {
      const attribute = columns.mappingAttributes[i]!;
      const start = attributeTextStart[attribute]!;
      if (start === 0) continue;
      const key = attributeKey[attribute]!;
      hash.pair(strings.firstWord(key), strings.secondWord(key));
      hash.word(attributeTextEnd[attribute]! - start);
      hash.bytes(this.#bytes, this.#view, start, attributeTextEnd[attribute]!);
    }
    return hash;
  }

  #textOfMapping(mapping: number, key: string): string {
    const { mappingAttributeStart, mappingAttributes, attributeKey } = this.#columns;
    const keyIndex = this.#keyIndexOf(key);
    const end = mappingAttributeStart[mapping + 1]!;
    for (let i = mappingAttributeStart[mapping]!; i < end; i++) {
      const attribute = mappingAttributes[i]!;
      const text = attributeKey[attribute] === keyIndex ? this.#texts.ofAttribute(attribute) : undefined;
      if (text !== undefined) return text;
    }
    return '';
  }

  #keyIndexOf(key: string): number {
    const known = this.#keys.get(key);
    if (known !== undefined) return known;
    const index = this.#texts.indexOf(key);
    this.#keys.set(key, index);
    return index;
  }
}
