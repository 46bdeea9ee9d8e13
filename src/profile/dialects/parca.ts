import type { AnyValue, FunctionEntry, Line, ProfilesData } from '../../otlp/profiles-data.ts';
import { entryOf } from '../../otlp/profiles-data.ts';
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

/**
 * The request with each function that a line uses twice in the table, and lines on the second of the two:
 *
 *     [{}, F1, F1, F2, F2, …]   line of F1 → 2, line of F2 → 4
 *
 * Parca up to v0.28.0 shows the entry before the one that a line names (`funcs[line.FunctionIndex-1]` in its
 * pkg/profile/encode.go), so every name would be wrong, and the line of the first function has none, which ends the whole
 * process at some queries. Readers by index see the same names. A second application changes nothing more.
 */
export function withFunctionsTwice(data: ProfilesData): ProfilesData {
  const { functionTable, locationTable } = data.dictionary;
  const copies = new Uint32Array(functionTable.length);
  const table: FunctionEntry[] = functionTable.length === 0 ? [] : [functionTable.at(0)!];
  const lineOf = (line: Line): Line => {
    const { functionIndex } = line;
    const entry = functionIndex === 0 ? undefined : entryOf(functionTable, functionIndex);
    if (entry === undefined) return line;
    copies[functionIndex] ||= table.push(entry, entry) - 1;
    return { ...line, functionIndex: copies[functionIndex]! };
  };
  const locations = Array.from(locationTable, (location) =>
    location.lines.length === 0 ? location : { ...location, lines: location.lines.map(lineOf) },
  );
  return { ...data, dictionary: { ...data.dictionary, functionTable: table, locationTable: locations } };
}
