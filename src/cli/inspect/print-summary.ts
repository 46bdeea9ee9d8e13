import type { ProfilesSummary, ResourceSummary, TypeSummary } from './profiles-summary.ts';
import { cutMiddle, oneLine, textTable } from './text-table.ts';

/** Bounds of a printed summary. */
export interface PrintBounds {
  /** Rows of a table. */
  readonly top: number;
  /** Columns of the terminal; infinite where there is none. */
  readonly columns: number;
}

/** A summary for people: one line a fact, aligned, no wider than the terminal. */
export function printSummary(summary: ProfilesSummary, bounds: PrintBounds): string {
  const sections = [
    printResources(summary.resources, bounds),
    ...summary.types.map((type) => printType(type, bounds.columns)),
  ];
  return `${sections.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

/** Resources by service, or by executable where no service is known: a node has a resource for each process. */
function printResources(resources: readonly ResourceSummary[], { top, columns }: PrintBounds): string[] {
  if (resources.length === 0) return ['No resources'];
  const groups = [...Map.groupBy(resources, ({ attributes }) => groupName(attributes))]
    .map(([name, members]) => ({
      name,
      resources: members.length,
      profiles: sum(members, ({ profiles }) => profiles),
      samples: sum(members, ({ samples }) => samples),
    }))
    .sort((a, b) => b.samples - a.samples);
  const all = sum(groups, ({ samples }) => samples);
  const listed = groups.length > top + 1 ? groups.slice(0, top) : groups;
  const others = groups.slice(listed.length);
  if (others.length > 0) {
    listed.push({
      name: `(${others.length} others)`,
      resources: sum(others, (group) => group.resources),
      profiles: sum(others, ({ profiles }) => profiles),
      samples: sum(others, ({ samples }) => samples),
    });
  }
  const rows = listed.map((group) => [
    `  ${group.name}`,
    count(group.resources),
    count(group.profiles),
    count(group.samples),
    share(BigInt(group.samples), BigInt(all)),
  ]);
  const head = ['  service or executable', 'resources', 'profiles', 'samples', 'samples %'];
  const nameless = resources.filter(({ attributes }) => !attributes['service.name']).length;
  return [
    `Resources: ${count(resources.length)}${nameless > 0 ? `, ${count(nameless)} without service.name` : ''}`,
    ...textTable([head, ...rows], ['left', 'right', 'right', 'right', 'right'], columns),
    ...sharedFacts(resources).map((line) => cutMiddle(oneLine(line), columns)),
  ];
}

function groupName(attributes: Readonly<Record<string, string>>): string {
  const { 'service.name': service, 'process.executable.name': name, 'process.executable.path': path = '' } = attributes;
  return service || name || path.slice(path.lastIndexOf('/') + 1) || '(no service.name, no executable)';
}

/** Scopes, and the attributes that all resources share: of one resource all of them. */
function sharedFacts(resources: readonly ResourceSummary[]): string[] {
  const scopes = [...new Set(resources.flatMap((resource) => resource.scopes))];
  const [first] = resources;
  const shared = Object.entries(first!.attributes).filter(([key, value]) => {
    return key !== 'service.name' && resources.every(({ attributes }) => attributes[key] === value);
  });
  return [
    `  scope: ${scopes.join(', ') || '(none)'}`,
    ...(shared.length > 0 ? [`  all: ${shared.map(([key, value]) => `${key}=${value}`).join(' ')}`] : []),
  ];
}

function sum<T>(items: readonly T[], numberOf: (item: T) => number): number {
  return items.reduce((total, item) => total + numberOf(item), 0);
}

function printType(type: TypeSummary, columns: number): string[] {
  const period = type.periodType === '' ? '' : `, one every ${count(type.period)} ${type.periodType}`;
  const durationSeconds = Number(type.endUnixNano - type.startUnixNano) / 1e9;
  return [
    oneLine(`${type.sampleType || '(no type)'}${period}`),
    `  ${plural(type.profiles, 'profile')}, ${plural(type.samples, 'sample')}, ` +
      `${plural(type.observations, 'observation')}, total ${count(type.total)}`,
    `  ${isoTime(type.startUnixNano)} to ${isoTime(type.endUnixNano)} (${durationSeconds.toFixed(3)} s)`,
    `  in the kernel ${shareOfKernel(type)}, in stubs ${shareOfStubs(type)}`,
    ...printFrameTypes(type),
    ...printUnnamed(type, columns),
    ...printFunctions(type, columns),
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

function printUnnamed({ unnamed }: TypeSummary, columns: number): string[] {
  if (unnamed.length === 0) return [];
  const rows = unnamed.map(({ file, addresses, frames }) => [
    `  ${file || '(no mapping)'}`,
    count(frames),
    count(addresses),
  ]);
  return ['', ...textTable([['  unnamed in', 'frames', 'addresses'], ...rows], ['left', 'right', 'right'], columns)];
}

function printFunctions({ functions, total }: TypeSummary, columns: number): string[] {
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
  return ['', ...textTable([head, ...rows], alignments, columns)];
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
