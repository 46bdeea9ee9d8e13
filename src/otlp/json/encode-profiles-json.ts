import type {
  AnyValue,
  Entries,
  KeyValue,
  Location,
  Mapping,
  Profile,
  ProfilesData,
  ProfilesDictionary,
  ResourceProfiles,
  Sample,
  ScopeProfiles,
  ValueType,
} from '../profiles-data.ts';
import { isKeyValueList } from '../profiles-data.ts';

/**
 * `ProfilesData` as OTLP/JSON, the way the Collector renders it: lowerCamelCase, 64-bit integers as decimal strings, IDs as
 * hexadecimal, other bytes as base64, zero values left out, single submessages always present.
 */
export function encodeProfilesJson(data: ProfilesData): string {
  return JSON.stringify({
    resourceProfiles: list(data.resourceProfiles, jsonOfResourceProfiles),
    dictionary: jsonOfDictionary(data.dictionary),
  });
}

// JSON.stringify leaves out what is undefined.
type Json = unknown;

function jsonOfResourceProfiles({ resource, scopeProfiles, schemaUrl }: ResourceProfiles): Json {
  return {
    resource: {
      attributes: list(resource.attributes, jsonOfKeyValue),
      droppedAttributesCount: integer(resource.droppedAttributesCount),
    },
    scopeProfiles: list(scopeProfiles, jsonOfScopeProfiles),
    schemaUrl: text(schemaUrl),
  };
}

function jsonOfScopeProfiles({ scope, profiles, schemaUrl }: ScopeProfiles): Json {
  return {
    scope: {
      name: text(scope.name),
      version: text(scope.version),
      attributes: list(scope.attributes, jsonOfKeyValue),
      droppedAttributesCount: integer(scope.droppedAttributesCount),
    },
    profiles: list(profiles, jsonOfProfile),
    schemaUrl: text(schemaUrl),
  };
}

function jsonOfProfile(profile: Profile): Json {
  return {
    sampleType: jsonOfValueType(profile.sampleType),
    samples: list([...profile.samples], jsonOfSample),
    timeUnixNano: decimal(profile.timeUnixNano),
    durationNano: decimal(profile.durationNano),
    periodType: jsonOfValueType(profile.periodType),
    period: decimal(profile.period),
    profileId: hex(profile.profileId),
    droppedAttributesCount: integer(profile.droppedAttributesCount),
    originalPayloadFormat: text(profile.originalPayloadFormat),
    originalPayload: profile.originalPayload.length === 0 ? undefined : base64(profile.originalPayload),
    attributeIndices: list(profile.attributeIndices, same),
  };
}

function jsonOfValueType({ typeStrindex, unitStrindex }: ValueType): Json {
  return { typeStrindex: integer(typeStrindex), unitStrindex: integer(unitStrindex) };
}

function jsonOfSample(sample: Sample): Json {
  return {
    stackIndex: integer(sample.stackIndex),
    attributeIndices: list(sample.attributeIndices, same),
    linkIndex: integer(sample.linkIndex),
    values: list(sample.values, String),
    timestampsUnixNano: list(sample.timestampsUnixNano, String),
  };
}

function jsonOfDictionary(dictionary: ProfilesDictionary): Json {
  return {
    mappingTable: list(dictionary.mappingTable, jsonOfMapping),
    locationTable: list(dictionary.locationTable, jsonOfLocation),
    functionTable: list(dictionary.functionTable, (entry) => ({
      nameStrindex: integer(entry.nameStrindex),
      systemNameStrindex: integer(entry.systemNameStrindex),
      filenameStrindex: integer(entry.filenameStrindex),
      startLine: decimal(entry.startLine),
    })),
    linkTable: list(dictionary.linkTable, ({ traceId, spanId }) => ({ traceId: hex(traceId), spanId: hex(spanId) })),
    stringTable: list(dictionary.stringTable, same),
    attributeTable: list(dictionary.attributeTable, ({ keyStrindex, value, unitStrindex }) => ({
      keyStrindex: integer(keyStrindex),
      value: jsonOfValue(value),
      unitStrindex: integer(unitStrindex),
    })),
    stackTable: list(dictionary.stackTable, ({ locationIndices }) => ({
      locationIndices: list(locationIndices, same),
    })),
  };
}

function jsonOfMapping(mapping: Mapping): Json {
  return {
    memoryStart: decimal(mapping.memoryStart),
    memoryLimit: decimal(mapping.memoryLimit),
    fileOffset: decimal(mapping.fileOffset),
    filenameStrindex: integer(mapping.filenameStrindex),
    attributeIndices: list(mapping.attributeIndices, same),
  };
}

function jsonOfLocation(location: Location): Json {
  return {
    mappingIndex: integer(location.mappingIndex),
    address: decimal(location.address),
    lines: list(location.lines, ({ functionIndex, line, column }) => ({
      functionIndex: integer(functionIndex),
      line: decimal(line),
      column: decimal(column),
    })),
    attributeIndices: list(location.attributeIndices, same),
  };
}

function jsonOfKeyValue({ key, value }: KeyValue): Json {
  return { key: text(key), value: jsonOfValue(value) };
}

function jsonOfValue(value: AnyValue): Json {
  if (value === undefined) return {};
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'bigint') return { intValue: String(value) };
  if (typeof value === 'number') return { doubleValue: double(value) };
  if (value instanceof Uint8Array) return { bytesValue: base64(value) };
  if (isKeyValueList(value)) {
    return { kvlistValue: { values: list(value.entries, jsonOfKeyValue) } };
  }
  return { arrayValue: { values: list(value as readonly AnyValue[], jsonOfValue) } };
}

function list<T>(items: Entries<T>, toJson: (item: T) => Json): Json[] | undefined {
  return items.length === 0 ? undefined : Array.from(items, (item) => toJson(item));
}

function same<T>(value: T): T {
  return value;
}

function text(value: string): string | undefined {
  return value === '' ? undefined : value;
}

function integer(value: number): number | undefined {
  return value === 0 ? undefined : value;
}

function decimal(value: bigint): string | undefined {
  return value === 0n ? undefined : String(value);
}

/** JSON has no infinities: protobuf's JSON writes them, and NaN, as text. JavaScript's writer drops the sign of zero. */
function double(value: number): Json {
  if (Object.is(value, -0)) return negativeZero;
  return Number.isFinite(value) ? value : String(value);
}

// Newer than TypeScript's library (https://github.com/tc39/proposal-json-parse-with-source).
const negativeZero = (JSON as unknown as { rawJSON(text: string): object }).rawJSON('-0');

function hex(bytes: Uint8Array): string | undefined {
  return bytes.length === 0 ? undefined : Buffer.from(bytes).toString('hex');
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
