import type { ProfileType } from '../../model/profile-type.ts';
import type { AnyValue } from '../../otlp/profiles-data.ts';
import type { Dialect } from './dialect.ts';
import { asReceived } from './dialect.ts';

/** Bounds of Pyroscope's validation (https://github.com/grafana/pyroscope/tree/main/pkg/validation). */
export const pyroscopeLimits = {
  maxLabelNames: 30,
  maxLabelNameBytes: 1024,
  maxLabelValueBytes: 2048,
  maxSamples: 16_000,
  /** The burst of its rate limit: a larger profile is refused with 429 however often it is sent. */
  maxConvertedBytes: 2_000_000,
} as const;

/**
 * Grafana Pyroscope makes a series of every set of resource and sample attributes, takes one value a sample, shows frames only
 * by name, and names a profile by its period.
 */
export const pyroscope: Dialect = {
  ...asReceived,
  profileType: ({ period, ...type }) =>
    withPeriod({ ...type, period, sampleType: type.sampleType.replace(/[-:]/g, '_') }),
  sampleShape: 'sums',
  resourceAttribute: (key, value) => (key === 'process.pid' ? undefined : labelValue(key, value)),
  attributeKey: (key, { underscores }) => (underscores ? withUnderscores(key) : key),
  // Resource and sample attributes, with `__name__`, `service_name`, `__delta__` and `__otel__`, stay below 30.
  maxResourceAttributes: 20,
  sampleAttribute: (key, value) => (isWorthASeries(key) ? labelValue(key, value) : undefined),
  maxSampleAttributes: 4,
  // The text that Pyroscope's own symbolizer falls back to.
  namelessFrame: (file, address) => `${file.slice(file.lastIndexOf('/') + 1) || 'unknown'}!0x${address.toString(16)}`,
  mergesProfiles: true,
  // The size is an estimate, so a tenth is left.
  limits: {
    maxSamples: pyroscopeLimits.maxSamples,
    maxConvertedBytes: pyroscopeLimits.maxConvertedBytes * 0.9,
  },
};

/** Many threads share a name; thread and processor numbers would be a series each. */
function isWorthASeries(key: string): boolean {
  return key === 'thread.name' || key === 'service.name' || key.startsWith('process.context.label.');
}

/** Text, whole numbers and lists of one of them become labels; other values do not. */
function labelValue(key: string, value: AnyValue): AnyValue {
  if (Buffer.byteLength(key) > pyroscopeLimits.maxLabelNameBytes) return undefined;
  const single = Array.isArray(value) && value.length === 1 ? (value[0] as AnyValue) : value;
  if (typeof single === 'bigint') return single;
  return typeof single === 'string' ? cut(single, pyroscopeLimits.maxLabelValueBytes) : undefined;
}

/** Whole characters of the text, as many as fit. */
function cut(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  let end = maxBytes;
  while ((bytes[end]! & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end).toString();
}

/** A profile without a period has no name and is refused, except off_cpu/nanoseconds, which must have none. */
function withPeriod(type: ProfileType): ProfileType {
  if (type.sampleType === 'off_cpu' && type.sampleUnit === 'nanoseconds') {
    return { ...type, periodType: '', periodUnit: '', period: 0n };
  }
  if (type.period > 0n && type.periodType !== '') return type;
  return { ...type, periodType: type.sampleType, periodUnit: type.sampleUnit, period: 1n };
}

/**
 * The key as every client of Pyroscope lists it: its label APIs leave out names with dots unless the client knows of them
 * (`allow-utf8-labelnames`). `service.name` stays, because Pyroscope makes `service_name` of it.
 */
function withUnderscores(key: string): string {
  if (key === 'service.name') return key;
  const name = key.replace(/[^a-zA-Z0-9_]/g, '_');
  return /^[0-9]/.test(name) ? `_${name}` : name;
}
