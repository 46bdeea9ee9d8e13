import { functionColumnsOf } from '../function-columns.ts';
import { locationColumnsOf } from '../location-columns.ts';
import type {
  AnyValue,
  FunctionEntry,
  KeyValue,
  Location,
  Profile,
  ProfilesDictionary,
  ResourceProfiles,
  Sample,
  ScopeProfiles,
  ValueType,
} from '../profiles-data.ts';
import type { DecodedProfiles } from '../protobuf/decode-profiles-data.ts';
import { stackColumnsOf } from '../stack-columns.ts';
import { stringColumnsOf } from '../string-columns.ts';
import { StringReferences } from '../string-references.ts';
import { JsonObject, parseJson } from './json-object.ts';

/**
 * Reads OTLP/JSON as the Collector and others write it: names in lowerCamelCase or snake_case, 64-bit integers as strings or
 * numbers (exact in both forms), unknown fields ignored.
 * @throws InvalidMessage with the path of the field
 */
export function decodeJson(text: string): DecodedProfiles {
  const root = new JsonObject(parseExactly(text));
  const references = new StringReferences(() => root.object('dictionary', (object) => object.texts('stringTable')));
  const data = {
    resourceProfiles: root.objects('resourceProfiles', (object) => readResourceProfiles(object, references)),
    dictionary: root.object('dictionary', (object) => readDictionary(object, references)),
  };
  return { data, referencedStrings: references.used, mendedTexts: 0, misnumberedSamples: new Set() };
}

/** `JSON.parse` that makes a bigint of an integer that a number cannot hold. */
function parseExactly(text: string): unknown {
  // A look at every number costs time; hardly any message has a long one outside quotes.
  const hasLongNumber = /[[:,\s]-?\d{16}/.test(text);
  return parseJson(() => (hasLongNumber ? JSON.parse(text, reviveInteger as Reviver) : JSON.parse(text)));
}

type Reviver = (key: string, value: unknown) => unknown;

// The third parameter is newer than TypeScript's library (https://github.com/tc39/proposal-json-parse-with-source).
function reviveInteger(_key: string, value: unknown, context: { readonly source?: string }): unknown {
  const isInexact = typeof value === 'number' && !Number.isSafeInteger(value);
  return isInexact && /^-?\d{1,20}$/.test(context.source ?? '') ? BigInt(context.source!) : value;
}

function readResourceProfiles(object: JsonObject, references: StringReferences): ResourceProfiles {
  return {
    resource: object.object('resource', (resource) => ({
      attributes: resource.objects('attributes', (attribute) => readKeyValue(attribute, references)),
      droppedAttributesCount: resource.uint32('droppedAttributesCount'),
    })),
    scopeProfiles: object.objects('scopeProfiles', (scope) => readScopeProfiles(scope, references)),
    schemaUrl: object.text('schemaUrl'),
  };
}

function readScopeProfiles(object: JsonObject, references: StringReferences): ScopeProfiles {
  return {
    scope: object.object('scope', (scope) => ({
      name: scope.text('name'),
      version: scope.text('version'),
      attributes: scope.objects('attributes', (attribute) => readKeyValue(attribute, references)),
      droppedAttributesCount: scope.uint32('droppedAttributesCount'),
    })),
    profiles: object.objects('profiles', readProfile),
    schemaUrl: object.text('schemaUrl'),
  };
}

function readProfile(object: JsonObject): Profile {
  return {
    sampleType: object.object('sampleType', readValueType),
    samples: object.objects('samples', readSample),
    timeUnixNano: object.uint64('timeUnixNano'),
    durationNano: object.uint64('durationNano'),
    periodType: object.object('periodType', readValueType),
    period: object.int64('period'),
    profileId: object.hex('profileId'),
    droppedAttributesCount: object.uint32('droppedAttributesCount'),
    originalPayloadFormat: object.text('originalPayloadFormat'),
    originalPayload: object.base64('originalPayload'),
    attributeIndices: object.int32s('attributeIndices'),
  };
}

function readValueType(object: JsonObject): ValueType {
  return { typeStrindex: object.int32('typeStrindex'), unitStrindex: object.int32('unitStrindex') };
}

function readSample(object: JsonObject): Sample {
  return {
    stackIndex: object.int32('stackIndex'),
    attributeIndices: object.int32s('attributeIndices'),
    linkIndex: object.int32('linkIndex'),
    values: object.int64s('values'),
    timestampsUnixNano: object.uint64s('timestampsUnixNano'),
  };
}

function readDictionary(object: JsonObject, references: StringReferences): ProfilesDictionary {
  return {
    mappingTable: object.objects('mappingTable', (mapping) => ({
      memoryStart: mapping.uint64('memoryStart'),
      memoryLimit: mapping.uint64('memoryLimit'),
      fileOffset: mapping.uint64('fileOffset'),
      filenameStrindex: mapping.int32('filenameStrindex'),
      attributeIndices: mapping.int32s('attributeIndices'),
    })),
    locationTable: locationColumnsOf(object.objects('locationTable', readLocation)),
    functionTable: functionColumnsOf(object.objects('functionTable', readFunction)),
    linkTable: object.objects('linkTable', (link) => ({ traceId: link.hex('traceId'), spanId: link.hex('spanId') })),
    stringTable: stringColumnsOf(object.texts('stringTable')),
    attributeTable: object.objects('attributeTable', (entry) => ({
      keyStrindex: entry.int32('keyStrindex'),
      value: entry.object('value', (value) => readValue(value, references)),
      unitStrindex: entry.int32('unitStrindex'),
    })),
    stackTable: stackColumnsOf(
      object.objects('stackTable', (stack) => ({ locationIndices: stack.int32s('locationIndices') })),
    ),
  };
}

function readFunction(entry: JsonObject): FunctionEntry {
  return {
    nameStrindex: entry.int32('nameStrindex'),
    systemNameStrindex: entry.int32('systemNameStrindex'),
    filenameStrindex: entry.int32('filenameStrindex'),
    startLine: entry.int64('startLine'),
  };
}

function readLocation(object: JsonObject): Location {
  return {
    mappingIndex: object.int32('mappingIndex'),
    address: object.uint64('address'),
    lines: object.objects('lines', (line) => ({
      functionIndex: line.int32('functionIndex'),
      line: line.int64('line'),
      column: line.int64('column'),
    })),
    attributeIndices: object.int32s('attributeIndices'),
  };
}

function readKeyValue(object: JsonObject, references: StringReferences): KeyValue {
  const index = object.int32('keyStrindex');
  return {
    key: index === 0 ? object.text('key') : references.textAt('key_strindex', index),
    value: object.object('value', (value) => readValue(value, references)),
  };
}

function readValue(object: JsonObject, references: StringReferences): AnyValue {
  if (object.has('stringValue')) return object.text('stringValue');
  if (object.has('boolValue')) return object.bool('boolValue');
  if (object.has('intValue')) return object.int64('intValue');
  if (object.has('doubleValue')) return object.double('doubleValue');
  if (object.has('bytesValue')) return object.base64('bytesValue');
  if (object.has('arrayValue')) {
    return object.object('arrayValue', (list) => list.objects('values', (item) => readValue(item, references)));
  }
  if (object.has('kvlistValue')) {
    return object.object('kvlistValue', (list) => ({
      entries: list.objects('values', (entry) => readKeyValue(entry, references)),
    }));
  }
  if (!object.has('stringValueStrindex')) return undefined;
  // Index 0 is empty text, not a value that is not set: the Collector writes empty text so.
  const index = object.int32('stringValueStrindex');
  return index === 0 ? '' : references.textAt('string_value_strindex', index);
}
