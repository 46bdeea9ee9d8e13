import { ByteWalk } from '../../otlp/passable/byte-walk.ts';
import { tables } from '../../otlp/passable/dictionary-columns.ts';
import type { KnownResources } from '../../otlp/passable/known-resources.ts';
import type { PassableProfiles } from '../../otlp/passable/passable-scanner.ts';
import { ResourceSpans } from '../../otlp/passable/resource-spans.ts';
import type { ProfilesData, Resource } from '../../otlp/profiles-data.ts';
import { columnsOf } from '../../otlp/sample-columns.ts';
import { stackColumnsOf } from '../../otlp/stack-columns.ts';
import { atOnce } from '../../support/steps.ts';
import { attributeNames } from '../attribute-names.ts';

const several = -1;

/** The process ID of the one process whose samples have a location, by location; 0 for one of several processes, or of none that is told. */
export function processesOfLocations({ resourceProfiles, dictionary }: ProfilesData): Float64Array {
  const processes = new Float64Array(dictionary.locationTable.length);
  const { lists } = stackColumnsOf(dictionary.stackTable);
  for (const resource of resourceProfiles) {
    const pid = pidOf(resource.resource);
    const seenStacks = new Uint8Array(dictionary.stackTable.length);
    for (const { profiles } of resource.scopeProfiles) {
      for (const { samples } of profiles) {
        const { columns, first, length } = columnsOf(samples);
        for (let i = first; i < first + length; i++) {
          const stackIndex = columns.stack(i);
          if (seenStacks[stackIndex] !== 0) continue;
          seenStacks[stackIndex] = 1;
          for (let at = lists.start(stackIndex), end = lists.end(stackIndex); at < end; at++) {
            const location = lists.indices[at]!;
            processes[location] = processes[location] === 0 || processes[location] === pid ? pid : several;
          }
        }
      }
    }
  }
  return processes.map((pid) => (pid === several ? 0 : pid));
}

/** The same of a scanned message without references in resources, from its bytes. */
export function processesOfPassable(profiles: PassableProfiles, known: KnownResources): Float64Array {
  const { bytes, columns } = profiles;
  const processes = new Float64Array(columns.counts[tables.location]!);
  const stackEnds = endsOfStacks(profiles);
  const seenStacks = new Uint8Array(stackEnds.length);
  const spans = new ResourceSpans(bytes);
  const stacks = new ByteWalk();
  stacks.start(bytes);
  const { view } = stacks;
  for (let resource = 0; resource < spans.count; resource++) {
    const pid = pidOf(known.decode(bytes, view, spans.resourceBodyStart(resource), spans.resourceEnd(resource)));
    seenStacks.fill(0);
    const noteSample = (sample: ByteWalk, end: number): void => {
      const stack = stackOf(sample, end);
      if (seenStacks[stack] !== 0) return;
      seenStacks[stack] = 1;
      stacks.position = stack === 0 ? columns.starts[tables.stack]! : stackEnds[stack - 1]!;
      eachLocation(stacks, stackEnds[stack]!, (location) => {
        processes[location] = processes[location] === 0 || processes[location] === pid ? pid : several;
      });
    };
    atOnce(spans.eachSample(resource, noteSample));
  }
  return processes.map((pid) => (pid === several ? 0 : pid));
}

function endsOfStacks({ bytes, columns }: PassableProfiles): Uint32Array {
  const ends = new Uint32Array(columns.counts[tables.stack]!);
  const walk = new ByteWalk();
  walk.start(bytes);
  walk.position = columns.starts[tables.stack]!;
  for (let stack = 0; stack < ends.length; stack++) {
    walk.tag();
    walk.position = walk.fieldEnd(bytes.length);
    ends[stack] = walk.position;
  }
  return ends;
}

/** The stack of the sample that begins here; 0 for a sample without one. */
function stackOf(walk: ByteWalk, end: number): number {
  while (walk.position < end) {
    const tag = walk.tag();
    if (tag === 0x08) return walk.index(end);
    if ((tag & 7) === 0) walk.skipVarint(end);
    else walk.position = walk.fieldEnd(end);
  }
  return 0;
}

/** Tells the locations of the entry of the stack table that begins here, with its tag. */
function eachLocation(walk: ByteWalk, end: number, tell: (location: number) => void): void {
  walk.tag();
  walk.fieldEnd(end);
  if (walk.position === end) return;
  walk.tag();
  walk.fieldEnd(end);
  while (walk.position < end) tell(walk.index(end));
}

function pidOf(resource: Pick<Resource, 'attributes'> | undefined): number {
  const value = resource?.attributes.find(({ key }) => key === attributeNames.processPid)?.value;
  const pid = Number(typeof value === 'bigint' || typeof value === 'string' ? value : 0);
  return Number.isSafeInteger(pid) && pid > 0 ? pid : several;
}
