import { oneLine } from './one-line.ts';
import type { ProfilesSummary, ResourceSummary, TypeSummary } from './profiles-summary.ts';
import { textTable } from './text-table.ts';

/** A summary for people: one line a fact, aligned, at most as wide as its longest name. */
export function printSummary(summary: ProfilesSummary): string {
  const sections = [printResources(summary.resources), ...summary.types.map(printType)];
  return `${sections.map((lines) => lines.map(oneLine).join('\n')).join('\n\n')}\n`;
}

function printResources(resources: readonly ResourceSummary[]): string[] {
  if (resources.length === 0) return ['No resources'];
  const rows = resources.map(({ attributes, scopes, profiles, samples }) => [
    `  ${resourceName(attributes)}`,
    plural(profiles, 'profile'),
    plural(samples, 'sample'),
    scopes.join(', '),
    Object.entries(attributes)
      .filter(([key]) => key !== 'service.name')
      .map(([key, value]) => `${key}=${value}`)
      .join(' '),
  ]);
  return [`Resources: ${resources.length}`, ...textTable(rows, ['left', 'right', 'right', 'left', 'left'])];
}

function resourceName(attributes: Readonly<Record<string, string>>): string {
  return attributes['service.name'] || '(no service.name)';
}

function printType(type: TypeSummary): string[] {
  const period = type.periodType === '' ? '' : `, one every ${count(type.period)} ${type.periodType}`;
  const durationSeconds = Number(type.endUnixNano - type.startUnixNano) / 1e9;
  return [
    `${type.sampleType || '(no type)'}${period}`,
    `  ${plural(type.profiles, 'profile')}, ${plural(type.samples, 'sample')}, ` +
      `${plural(type.observations, 'observation')}, total ${count(type.total)}`,
    `  ${isoTime(type.startUnixNano)} to ${isoTime(type.endUnixNano)} (${durationSeconds.toFixed(3)} s)`,
    `  in the kernel ${shareOfKernel(type)}, in stubs ${shareOfStubs(type)}`,
    ...printFrameTypes(type),
    ...printUnnamed(type),
    ...printFunctions(type),
  ];
}

function shareOfKernel({ frameTypes, total }: TypeSummary): string {
  return share(frameTypes.find(({ frameType }) => frameType === 'kernel')?.self ?? 0n, total);
}

function shareOfStubs({ frameTypes, total }: TypeSummary): string {
  return share(
    frameTypes.reduce((sum, { stubSelf }) => sum + stubSelf, 0n),
    total,
  );
}

function printFrameTypes({ frameTypes, total }: TypeSummary): string[] {
  if (frameTypes.length === 0) return [];
  const rows = frameTypes.map(({ frameType, frames, named, stubs, unnamed, self }) => [
    `  ${frameType || '(none)'}`,
    count(frames),
    share(named, frames),
    count(named),
    count(stubs),
    count(unnamed),
    share(self, total),
  ]);
  const head = ['  frame type', 'frames', 'named %', 'named', 'stubs', 'unnamed', 'self %'];
  return ['', ...textTable([head, ...rows], ['left', ...Array(6).fill('right')])];
}

function printUnnamed({ unnamed }: TypeSummary): string[] {
  if (unnamed.length === 0) return [];
  const rows = unnamed.map(({ file, addresses, frames }) => [
    `  ${file || '(no mapping)'}`,
    count(frames),
    count(addresses),
  ]);
  return ['', ...textTable([['  unnamed in', 'frames', 'addresses'], ...rows], ['left', 'right', 'right'])];
}

function printFunctions({ functions, total }: TypeSummary): string[] {
  if (functions.length === 0) return [];
  const rows = functions.map((entry) => [
    `  ${count(entry.self)}`,
    share(entry.self, total),
    count(entry.total),
    share(entry.total, total),
    entry.frameType,
    entry.name,
    entry.file,
  ]);
  const head = ['  self', 'self %', 'total', 'total %', 'type', 'function', 'file'];
  const alignments = ['right', 'right', 'right', 'right', 'left', 'left', 'left'] as const;
  return ['', ...textTable([head, ...rows], alignments)];
}

function share(part: bigint, whole: bigint): string {
  return whole === 0n ? '-' : `${((Number(part) * 100) / Number(whole)).toFixed(1)} %`;
}

function count(value: bigint | number): string {
  return value.toLocaleString('en-US');
}

function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** ISO 8601 with milliseconds; a time beyond what a Date can hold as its number. */
function isoTime(unixNano: bigint): string {
  const date = new Date(Number(unixNano / 1_000_000n));
  return Number.isNaN(date.getTime()) ? String(unixNano) : date.toISOString();
}
