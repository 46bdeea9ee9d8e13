import type { ProfileType } from '../../model/profile-type.ts';
import type { AnyValue, KeyValue } from '../../otlp/profiles-data.ts';
import type { Dialect } from './dialect.ts';
import { asReceived } from './dialect.ts';

/** The Collector's Elasticsearch exporter takes on-CPU profiles alone, makes an event of each timestamp, and needs a type on every frame. */
export const elastic: Dialect = {
  ...asReceived,
  isTaken: isOnCpu,
  sampleShape: 'timestamps',
  resourceAdditions: hostId,
  mappingAttributes: (attributes) =>
    attributes.filter(({ key, value }) => key !== 'process.executable.build_id.htlhash' || isFileId(value)),
  frameType: (type) => type || 'native',
};

/** Events are grouped by host.id, and a host without one is not listed: its name takes the place. */
function hostId(attributes: readonly KeyValue[]): readonly KeyValue[] {
  const textOf = (wanted: string): AnyValue => attributes.find(({ key }) => key === wanted)?.value;
  const name = textOf('host.name');
  return textOf('host.id') || typeof name !== 'string' || name === '' ? [] : [{ key: 'host.id', value: name }];
}

export function isOnCpu({ sampleType, sampleUnit, periodType, periodUnit }: ProfileType): boolean {
  return sampleType === 'samples' && sampleUnit === 'count' && periodType === 'cpu' && periodUnit === 'nanoseconds';
}

/** 16 bytes as hexadecimal. */
export function isFileId(value: unknown): boolean {
  return typeof value === 'string' && /^[0-9a-fA-F]{32}$/.test(value);
}
