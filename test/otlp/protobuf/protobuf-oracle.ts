import { join } from 'node:path';
import type { Type } from 'protobufjs';
import protobuf from 'protobufjs';
import type { AnyValue, KeyValue, ProfilesData } from '../../../src/otlp/profiles-data.ts';
import { isKeyValueList } from '../../../src/otlp/profiles-data.ts';

const root = new protobuf.Root();
root.resolvePath = (_origin, target) => join(import.meta.dirname, '../../../proto', target);
root.loadSync('opentelemetry/proto/collector/profiles/v1development/profiles_service.proto');

/** Another implementation of protobuf, over our `.proto` files: what says whether our bytes mean what we think. */
export const profilesDataType: Type = root.lookupType('opentelemetry.proto.profiles.v1development.ProfilesData');
export const exportRequestType: Type = lookupService('ExportProfilesServiceRequest');
export const exportResponseType: Type = lookupService('ExportProfilesServiceResponse');

/** Decodes with protobufjs, into our shape. Attributes are expected inline. */
export function oracleDecode(bytes: Uint8Array): ProfilesData {
  const message = profilesDataType.decode(bytes);
  const plain = profilesDataType.toObject(message, { longs: String, defaults: true, arrays: true, oneofs: true });
  return toProfilesData(plain);
}

/** Encodes with protobufjs. */
export function oracleEncode(data: ProfilesData): Uint8Array {
  return Uint8Array.from(profilesDataType.encode(profilesDataType.fromObject(toPlain(data))).finish());
}

function lookupService(name: string): Type {
  return root.lookupType(`opentelemetry.proto.collector.profiles.v1development.${name}`);
}

// biome-ignore lint/suspicious/noExplicitAny: protobufjs gives plain objects without types.
type Plain = Record<string, any>;

/** Walks the plain object: strings of digits under names of 64-bit fields become bigint, buffers become bytes. */
function toProfilesData(value: Plain): ProfilesData {
  return convert(value, '') as ProfilesData;
}

const bigintFields = new Set([
  'timeUnixNano',
  'durationNano',
  'period',
  'values',
  'timestampsUnixNano',
  'memoryStart',
  'memoryLimit',
  'fileOffset',
  'address',
  'line',
  'column',
  'startLine',
]);

function convert(value: unknown, field: string): unknown {
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  if (Array.isArray(value)) return value.map((item) => convert(item, field));
  if (field === 'value') return toAnyValue(value as Plain | null);
  if (typeof value === 'string' && bigintFields.has(field)) return BigInt(value);
  if (typeof value !== 'object' || value === null) return value;
  const isKeyValue = 'key' in value && 'keyStrindex' in value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => name !== 'entityRefs' && !(isKeyValue && name === 'keyStrindex'))
      .map(([name, item]) => [name, convert(item, name)]),
  );
}

function toAnyValue(value: Plain | null): AnyValue {
  if (value === null) return undefined;
  switch (value.value) {
    case 'intValue':
      return BigInt(value.intValue);
    case 'bytesValue':
      return Uint8Array.from(value.bytesValue);
    case 'arrayValue':
      return value.arrayValue.values.map(toAnyValue);
    case 'kvlistValue':
      return { entries: value.kvlistValue.values.map((entry: unknown) => convert(entry, '')) as KeyValue[] };
    default:
      return value[value.value];
  }
}

function toPlain(data: ProfilesData): Plain {
  return deconvert(data, '') as Plain;
}

function deconvert(value: unknown, field: string): unknown {
  if (field === 'value') return fromAnyValue(value as AnyValue);
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map((item) => deconvert(item, field));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, deconvert(item, name)]));
}

function fromAnyValue(value: AnyValue): Plain | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'bigint') return { intValue: value.toString() };
  if (typeof value === 'number') return { doubleValue: value };
  if (value instanceof Uint8Array) return { bytesValue: value };
  if (isKeyValueList(value)) return { kvlistValue: { values: value.entries.map((entry) => deconvert(entry, '')) } };
  return { arrayValue: { values: (value as AnyValue[]).map((item) => fromAnyValue(item) ?? {}) } };
}
