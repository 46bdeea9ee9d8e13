import { basename } from 'node:path/posix';
import type { AnyValue, KeyValue } from '../../otlp/profiles-data.ts';
import type { ResourceEditor } from '../../otlp/resource-edit.ts';
import { editorOf } from '../../otlp/resource-edit.ts';
import { attributeNames } from '../attribute-names.ts';

/** Attributes by key, such as a map has them. */
interface AttributeLookup {
  get(key: string): AnyValue;
}

/** The start of the names that stand for an unknown service. */
const unknownService = 'unknown_service';

/** Tells a service that nobody named: the attribute is absent, empty, or the default of the semantic conventions. */
export function isServiceUnknown(attributes: AttributeLookup): boolean {
  const name = attributes.get(attributeNames.serviceName);
  if (typeof name !== 'string' || name === '') return true;
  return name === unknownService || name.startsWith(`${unknownService}:`);
}

/** The default that https://opentelemetry.io/docs/specs/semconv/resource/service/ asks for, by the executable. */
export function unknownServiceOf(attributes: AttributeLookup): string {
  const name = attributes.get(attributeNames.processExecutableName);
  const path = attributes.get(attributeNames.processExecutablePath);
  const executable = typeof name === 'string' && name !== '' ? name : typeof path === 'string' ? basename(path) : '';
  return executable === '' ? unknownService : `${unknownService}:${executable}`;
}

/** Gives resources without `service.name` the default, and nothing else: every backend groups by it. */
export const serviceNameDefault: ResourceEditor = editorOf((attributes, { isServiceOnSamples }) => ({
  kind: 'kept',
  attributes: isServiceOnSamples ? attributes : withServiceName(attributes),
}));

function withServiceName(attributes: readonly KeyValue[]): readonly KeyValue[] {
  const byKey = new Map(attributes.map(({ key, value }) => [key, value]));
  if (byKey.get(attributeNames.serviceName)) return attributes;
  byKey.set(attributeNames.serviceName, unknownServiceOf(byKey));
  return Array.from(byKey, ([key, value]) => ({ key, value }));
}
