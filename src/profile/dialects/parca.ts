import type { AnyValue } from '../../otlp/profiles-data.ts';
import type { Dialect } from './dialect.ts';
import { asReceived } from './dialect.ts';

/** Parca takes text alone for a label, and multiplies samples/count by the period. */
export const parca: Dialect = {
  ...asReceived,
  profileType: (type) =>
    type.sampleType === 'samples' && type.sampleUnit === 'count' && type.period <= 0n ? { ...type, period: 1n } : type,
  resourceAttribute: asText,
  sampleAttribute: asText,
};

function asText(key: string, value: AnyValue): AnyValue {
  return typeof value === 'bigint' && numbersWorthALabel.has(key) ? String(value) : value;
}

const numbersWorthALabel: ReadonlySet<string> = new Set(['process.pid', 'thread.id']);
