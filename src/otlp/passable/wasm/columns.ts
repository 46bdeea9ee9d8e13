import {
  allocate,
  counts,
  ends,
  message,
  noteMove,
  publish,
  reserve,
  roomFor,
  scratch,
  startLayout,
  starts,
  uses,
} from './memory.ts';
import { layOutSet, pairsOf, placesFor, placesOf, setBytes } from './pair-sets.ts';
import { reference, refuse } from './refuse.ts';

// The columns of `dictionary-columns.ts`, in the order of `columnLengths` there, and the sets behind them. Places in the message count from its first byte.

/** Tables by the numbers of their fields. */
export const mappings: i32 = 1;
export const locations: i32 = 2;
export const functions: i32 = 3;
export const links: i32 = 4;
export const strings: i32 = 5;
export const attributes: i32 = 6;
export const stacks: i32 = 7;

// Bits of an entry's use: by another table or a profile, by a sample, by reference from an attribute of a resource.
export const used: u32 = 1;
export const sampled: u32 = 2;
export const referred: u32 = 4;

export let stringStart: usize = 0;
export let stringEnd: usize = 0;
export let functionName: usize = 0;
export let functionSystemName: usize = 0;
export let functionFile: usize = 0;
export let functionLineLow: usize = 0;
export let functionLineHigh: usize = 0;
export let attributeKey: usize = 0;
export let attributeTextStart: usize = 0;
export let attributeTextEnd: usize = 0;
export let mappingFile: usize = 0;
export let mappingIsLoaded: usize = 0;
export let mappingAttributeStart: usize = 0;
export let mappingAttributes: usize = 0;
export let locationStart: usize = 0;
export let locationEnd: usize = 0;
export let locationMapping: usize = 0;
export let locationLow: usize = 0;
export let locationHigh: usize = 0;
export let locationAttributeStart: usize = 0;
export let locationAttributes: usize = 0;
export let locationLineStart: usize = 0;
export let lineFunction: usize = 0;
export let lineLow: usize = 0;
export let lineHigh: usize = 0;
export let columnLow: usize = 0;
export let columnHigh: usize = 0;
/** Hashes of what functions say, the same in every dictionary. */
export let functionTextA: usize = 0;
export let functionTextB: usize = 0;
/** Hashes of what the lines of locations say, and of their addresses. */
export let locationTextA: usize = 0;
export let locationTextB: usize = 0;
/** Attribute with the location's frame type; 0 where there is none. */
export let locationFrameType: usize = 0;

/** Sets of the entries of tables, as records. */
export const stringSet: usize = scratch + 256;
export const functionSet: usize = stringSet + setBytes;
export const locationSet: usize = functionSet + setBytes;
/** Of the table at hand among those that are not looked up afterwards. */
export const otherSet: usize = locationSet + setBytes;
/** Sets of resources and of scopes, and of types and starts of the profiles of each resource. */
export const resources: usize = otherSet + setBytes;
export const scopes: usize = resources + setBytes;
export const profiles: usize = scopes + setBytes;

let messageCapacity: u32 = 0;
// Tables have fewer entries than their capacities.
let mappingCapacity: u32 = 0;
let mappingAttributeCapacity: u32 = 0;
let locationCapacity: u32 = 0;
let locationAttributeCapacity: u32 = 0;
export let lineCapacity: u32 = 0;
let functionCapacity: u32 = 0;
let stringCapacity: u32 = 0;
let attributeCapacity: u32 = 0;
let linkCapacity: u32 = 0;
let stackCapacity: u32 = 0;
/** True after a column moved: the next layout is without gaps. */
let hasGaps: bool = false;

export function countOf(table: i32): u32 {
  return load<u32>(counts + 4 * table);
}

export function setCount(table: i32, count: u32): void {
  store<u32>(counts + 4 * table, count);
}

/** Begin of the entries of a table, which follow one another, with the tags before them. */
export function startOf(table: i32): usize {
  return message + load<u32>(starts + 4 * table);
}

export function endOf(table: i32): usize {
  return message + load<u32>(ends + 4 * table);
}

export function setSpan(table: i32, start: usize, end: usize): void {
  store<u32>(starts + 4 * table, <u32>(start - message));
  store<u32>(ends + 4 * table, <u32>(end - message));
}

/** Bits of use by entry. */
export function useOf(table: i32): usize {
  return load<u32>(uses + 4 * table);
}

/** Marks an entry as used. */
export function use(table: i32, index: u32): void {
  mark(useOf(table), countOf(table), index, used);
}

/** Adds a bit to the use of an entry, of the `count` whose bits begin at `place`. */
export function mark(place: usize, count: u32, index: u32, bit: u32): void {
  if (index >= count) refuse(reference);
  store<u8>(place + index, load<u8>(place + index) | bit);
}

/** Makes room for a message; the columns are laid out behind it. */
export function prepareMessage(sizeBytes: u32): void {
  if (sizeBytes <= messageCapacity) return;
  messageCapacity = roomFor(sizeBytes);
  reserve(<u64>message + messageCapacity);
  hasGaps = true;
}

/** Makes room for the tables that were counted. */
export function prepareColumns(): void {
  const fits =
    !hasGaps &&
    countOf(mappings) < mappingCapacity &&
    bytesOf(mappings) <= mappingAttributeCapacity &&
    countOf(locations) < locationCapacity &&
    bytesOf(locations) <= locationAttributeCapacity &&
    countOf(functions) < functionCapacity &&
    countOf(strings) < stringCapacity &&
    countOf(attributes) < attributeCapacity &&
    countOf(links) < linkCapacity &&
    countOf(stacks) < stackCapacity;
  if (!fits) layOut();
  for (let table = mappings; table <= stacks; table++) memory.fill(useOf(table), 0, countOf(table));
}

function bytesOf(table: i32): u32 {
  return <u32>(endOf(table) - startOf(table));
}

function layOut(): void {
  hasGaps = false;
  mappingCapacity = max(mappingCapacity, roomFor(countOf(mappings) + 1));
  mappingAttributeCapacity = max(mappingAttributeCapacity, roomFor(bytesOf(mappings)));
  locationCapacity = max(locationCapacity, roomFor(countOf(locations) + 1));
  locationAttributeCapacity = max(locationAttributeCapacity, roomFor(bytesOf(locations)));
  lineCapacity = max(lineCapacity, 2 * locationCapacity);
  functionCapacity = max(functionCapacity, roomFor(countOf(functions) + 1));
  stringCapacity = max(stringCapacity, roomFor(countOf(strings) + 1));
  attributeCapacity = max(attributeCapacity, roomFor(countOf(attributes) + 1));
  linkCapacity = max(linkCapacity, roomFor(countOf(links) + 1));
  stackCapacity = max(stackCapacity, roomFor(countOf(stacks) + 1));
  startLayout(messageCapacity);
  layOutFlatTables();
  layOutLocations();
  layOutLines(lineCapacity);
  layOutSets();
  placeUse(mappings, mappingCapacity);
  placeUse(locations, locationCapacity);
  placeUse(functions, functionCapacity);
  placeUse(links, linkCapacity);
  placeUse(strings, stringCapacity);
  placeUse(attributes, attributeCapacity);
  placeUse(stacks, stackCapacity);
}

function layOutFlatTables(): void {
  stringStart = words(0, stringCapacity);
  stringEnd = words(1, stringCapacity);
  functionName = words(2, functionCapacity);
  functionSystemName = words(3, functionCapacity);
  functionFile = words(4, functionCapacity);
  functionLineLow = words(5, functionCapacity);
  functionLineHigh = words(6, functionCapacity);
  attributeKey = words(7, attributeCapacity);
  attributeTextStart = words(8, attributeCapacity);
  attributeTextEnd = words(9, attributeCapacity);
  mappingFile = words(10, mappingCapacity);
  mappingIsLoaded = words(11, mappingCapacity);
  mappingAttributeStart = words(12, mappingCapacity);
  mappingAttributes = words(13, mappingAttributeCapacity);
  functionTextA = words(27, functionCapacity);
  functionTextB = words(28, functionCapacity);
}

function layOutLocations(): void {
  locationStart = words(14, locationCapacity);
  locationEnd = words(15, locationCapacity);
  locationMapping = words(16, locationCapacity);
  locationLow = words(17, locationCapacity);
  locationHigh = words(18, locationCapacity);
  locationAttributeStart = words(19, locationCapacity);
  locationAttributes = words(20, locationAttributeCapacity);
  locationLineStart = words(21, locationCapacity);
  locationTextA = words(29, locationCapacity);
  locationTextB = words(30, locationCapacity);
  locationFrameType = words(31, locationCapacity);
}

function layOutLines(capacity: u32): void {
  lineFunction = words(22, capacity);
  lineLow = words(23, capacity);
  lineHigh = words(24, capacity);
  columnLow = words(25, capacity);
  columnHigh = words(26, capacity);
}

function layOutSets(): void {
  publishSet(32, stringSet, placesFor(stringCapacity - 1));
  publishSet(34, functionSet, placesFor(functionCapacity - 1));
  publishSet(36, locationSet, placesFor(locationCapacity - 1));
  const otherCapacity = max(max(mappingCapacity, linkCapacity), max(attributeCapacity, stackCapacity));
  layOutSet(otherSet, placesFor(otherCapacity - 1));
  // Sets that grow.
  layOutSet(resources, placesFor(0));
  layOutSet(scopes, placesFor(0));
  layOutSet(profiles, placesFor(0));
}

/** Places and pairs of a set. */
function publishSet(column: i32, set: usize, length: u32): void {
  layOutSet(set, length);
  publish(column, placesOf(set), length);
  publish(column + 1, pairsOf(set), length);
}

function words(column: i32, capacity: u32): usize {
  const place = allocate(4 * <u64>capacity);
  publish(column, place, capacity);
  return place;
}

function placeUse(table: i32, capacity: u32): void {
  store<u32>(uses + 4 * table, <u32>allocate(capacity));
}

/** Makes room for more lines than the `count` that fill the columns. */
export function growLines(count: u32): void {
  const oldFunction = lineFunction;
  const oldLow = lineLow;
  const oldHigh = lineHigh;
  const oldColumnLow = columnLow;
  const oldColumnHigh = columnHigh;
  lineCapacity = 2 * count;
  hasGaps = true;
  noteMove();
  layOutLines(lineCapacity);
  memory.copy(lineFunction, oldFunction, 4 * count);
  memory.copy(lineLow, oldLow, 4 * count);
  memory.copy(lineHigh, oldHigh, 4 * count);
  memory.copy(columnLow, oldColumnLow, 4 * count);
  memory.copy(columnHigh, oldColumnHigh, 4 * count);
}
