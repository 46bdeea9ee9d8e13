import {
  attributeKey,
  attributes,
  attributeTextStart,
  columnHigh,
  columnLow,
  countOf,
  functionFile,
  functionLineHigh,
  functionLineLow,
  functionName,
  functionSystemName,
  functions,
  functionTextA,
  functionTextB,
  lineFunction,
  lineHigh,
  lineLow,
  locationAttributeStart,
  locationAttributes,
  locationFrameType,
  locationHigh,
  locationLineStart,
  locationLow,
  locationMapping,
  locations,
  locationTextA,
  locationTextB,
  stringEnd,
  stringSet,
  stringStart,
} from './columns.ts';
import { secondSeed, seed, spread, spreadAgain } from './hash.ts';
import { message } from './memory.ts';
import { pairsOf } from './pair-sets.ts';

/** Fills the columns of what entries mean in any dictionary, once all tables were scanned: naming asks for it location by location. */
export function describeEntries(): void {
  hashFunctionTexts();
  hashLocationTexts();
  findFrameTypes();
}

function hashFunctionTexts(): void {
  const count = countOf(functions);
  const pairs = pairsOf(stringSet);
  for (let index: u32 = 0; index < count; index++) {
    const at = 4 * index;
    const name = pairs + 8 * load<u32>(functionName + at);
    const systemName = pairs + 8 * load<u32>(functionSystemName + at);
    const file = pairs + 8 * load<u32>(functionFile + at);
    const low = load<i32>(functionLineLow + at);
    const high = load<i32>(functionLineHigh + at);
    const a = spread(spread(spread(seed ^ functions, load<i32>(name)), load<i32>(systemName)), load<i32>(file));
    let b = spreadAgain(spreadAgain(secondSeed, load<i32>(name, 4)), load<i32>(systemName, 4));
    b = spreadAgain(spreadAgain(spreadAgain(b, load<i32>(file, 4)), low), high);
    store<i32>(functionTextA + at, spread(spread(a, low), high));
    store<i32>(functionTextB + at, b);
  }
}

/** Of locations with a mapping and lines alone: others bring no name. */
function hashLocationTexts(): void {
  const count = countOf(locations);
  let line: u32 = 0;
  for (let index: u32 = 0; index < count; index++) {
    const at = 4 * index;
    const end = load<u32>(locationLineStart + at + 4);
    let a = seed ^ locations;
    let b = secondSeed;
    if (load<u32>(locationMapping + at) === 0) line = end;
    for (; line < end; line++) {
      const place = 4 * line;
      const called = 4 * load<u32>(lineFunction + place);
      const low = load<i32>(lineLow + place);
      const column = load<i32>(columnLow + place);
      const high = load<i32>(lineHigh + place) | load<i32>(columnHigh + place);
      a = spread(spread(spread(spread(a, load<i32>(functionTextA + called)), low), column), high);
      b = spreadAgain(spreadAgain(b, load<i32>(functionTextB + called)), low);
      b = spreadAgain(spreadAgain(b, column), high);
    }
    const high = load<i32>(locationHigh + at);
    const low = load<i32>(locationLow + at);
    store<i32>(locationTextA + at, spread(spread(a, high), low));
    store<i32>(locationTextB + at, spreadAgain(spreadAgain(b, high), low));
  }
}

function findFrameTypes(): void {
  const key = findFrameTypeKey();
  const count = countOf(locations);
  for (let index: u32 = 0; index < count; index++) {
    const end = load<u32>(locationAttributeStart + 4 * index + 4);
    let found: u32 = 0;
    for (let i = load<u32>(locationAttributeStart + 4 * index); i < end && found === 0; i++) {
      const attribute = load<u32>(locationAttributes + 4 * i);
      const hasText = load<u32>(attributeTextStart + 4 * attribute) !== 0;
      if (hasText && load<u32>(attributeKey + 4 * attribute) === key) found = attribute;
    }
    store<u32>(locationFrameType + 4 * index, found);
  }
}

// The text `profile.frame.type`, as numbers.
const profile: u64 = ((<u64>0x2e656c69) << 32) | 0x666f7270;
const frame: u64 = ((<u64>0x79742e65) << 32) | 0x6d617266;
const type: u16 = 0x6570;
const frameTypeBytes: usize = 18;

/** Index of the text in the string table; of no text where it is not there. Keys of attributes alone are looked at. */
function findFrameTypeKey(): u32 {
  const count = countOf(attributes);
  for (let index: u32 = 1; index < count; index++) {
    const key = load<u32>(attributeKey + 4 * index);
    const start = message + load<u32>(stringStart + 4 * key);
    if (message + load<u32>(stringEnd + 4 * key) - start !== frameTypeBytes) continue;
    if (load<u64>(start) === profile && load<u64>(start + 8) === frame && load<u16>(start + 16) === type) return key;
  }
  return u32.MAX_VALUE;
}
