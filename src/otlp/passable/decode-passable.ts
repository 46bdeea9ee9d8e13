// hot
import { mixWord } from '../../support/mix-words.ts';
import type { ProfilesData } from '../profiles-data.ts';
import type { DictionaryDraft } from '../protobuf/decode-dictionary.ts';
import { emptyDictionaryOf } from '../protobuf/decode-dictionary.ts';
import { decodeProfiles, readProfile } from '../protobuf/decode-profiles-data.ts';
import type { DictionaryColumns } from './dictionary-columns.ts';
import { tables } from './dictionary-columns.ts';
import type { PassableProfiles } from './passable-scanner.ts';

/** The profiles of a scanned message. What the scan has read of its dictionary is taken from the columns, which must still belong to it. */
export function decodePassable({ bytes, columns, sampleCount }: PassableProfiles): ProfilesData {
  const dictionary: DictionaryDraft = { ...emptyDictionaryOf(bytes), isScanned: true };
  makeRoomForStacks(dictionary, columns);
  takeStrings(dictionary, columns);
  takeFunctions(dictionary, columns);
  takeLocations(dictionary, columns);
  return decodeProfiles(bytes, readProfile, dictionary, sampleCount).data;
}

function makeRoomForStacks({ stackTable }: DictionaryDraft, { counts, starts, ends }: DictionaryColumns): void {
  const count = counts[tables.stack]!;
  // An index has a byte or two, and most stacks have 4 bytes besides.
  const indexBytes = ends[tables.stack]! - starts[tables.stack]! - 4 * count;
  stackTable.lists.reserve(count, Math.max(0, indexBytes));
}

function takeStrings(
  { stringTable }: DictionaryDraft,
  { counts, stringStart, stringEnd, strings }: DictionaryColumns,
): void {
  const count = counts[tables.string]!;
  stringTable.reserve(count, 0);
  // Entry 0 has no place in the message where it is needed.
  if (count > 0) stringTable.addPlace(0, 0);
  for (let i = 1; i < count; i++) {
    const hash = mixWord(strings.firstWord(i), strings.secondWord(i));
    stringTable.addHashed(stringStart[i]!, stringEnd[i]!, hash);
  }
}

function takeFunctions({ functionTable }: DictionaryDraft, columns: DictionaryColumns): void {
  const count = columns.counts[tables.function]!;
  functionTable.reserve(count);
  const { functionName, functionSystemName, functionFile, functionLineLow, functionLineHigh } = columns;
  for (let i = 0; i < count; i++) {
    functionTable.push(
      functionName[i]!,
      functionSystemName[i]!,
      functionFile[i]!,
      functionLineLow[i]!,
      functionLineHigh[i]!,
    );
  }
}

function takeLocations({ locationTable }: DictionaryDraft, columns: DictionaryColumns): void {
  const { locationMapping, locationLow, locationHigh, locationAttributeStart, locationAttributes } = columns;
  const { locationLineStart, lineFunction, lineLow, lineHigh, columnLow, columnHigh } = columns;
  const count = columns.counts[tables.location]!;
  locationTable.reserve(count, count === 0 ? 0 : locationLineStart[count]!);
  let line = 0;
  let attribute = 0;
  for (let i = 0; i < count; i++) {
    for (const end = locationLineStart[i + 1]!; line < end; line++) {
      locationTable.pushLine(lineFunction[line]!, lineLow[line]!, lineHigh[line]!, columnLow[line]!, columnHigh[line]!);
    }
    for (const end = locationAttributeStart[i + 1]!; attribute < end; attribute++) {
      locationTable.attributes.push(locationAttributes[attribute]!);
    }
    locationTable.close(locationMapping[i]!, locationLow[i]!, locationHigh[i]!);
  }
}
