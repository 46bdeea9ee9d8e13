import type { FlameFrame, FlameProfileType, FlameTrees } from '../model/flame-tree.ts';
import { maxTextLength, profileTypeKey } from '../model/flame-tree.ts';
import { FlameFrameTable, FlameTreeBuilder } from '../model/flame-tree-builder.ts';
import type { KeyValue, Line, Location, Profile, ProfilesData, ProfilesDictionary } from '../otlp/profiles-data.ts';
import { classifyFrame } from './frame-class.ts';

// A collector may send 64 types a batch; a person looks at two or three.
const maxTypes = 16;

/** Folds profiles into one tree for each profile type, with at most `maxNodes` nodes in all of them together. */
export function foldFlameTrees(data: ProfilesData, maxNodes: number): FlameTrees {
  const frames = new FlameFrameTable();
  const paths = new PathReader(data.dictionary, frames);
  const builders = new Map<string, FlameTreeBuilder>();
  let omittedSampleCount = 0;
  for (const { resource, scopeProfiles } of data.resourceProfiles) {
    const service = frames.intern(serviceFrame(resource.attributes));
    for (const profile of scopeProfiles.flatMap(({ profiles }) => profiles)) {
      const type = readType(profile, data.dictionary.stringTable);
      const key = profileTypeKey(type);
      if (!builders.has(key) && builders.size === maxTypes) {
        omittedSampleCount += profile.samples.length;
        continue;
      }
      const builder = builders.get(key) ?? new FlameTreeBuilder(type, frames, Math.max(2, maxNodes));
      builders.set(key, builder);
      for (const [stack, value] of valuesByStack(profile)) builder.addStack([service, ...paths.read(stack)], value);
    }
  }
  const share = Math.max(2, Math.floor(maxNodes / Math.max(1, builders.size)));
  return { trees: [...builders.values()].map((builder) => builder.build(share)), omittedSampleCount };
}

/** Samples differ by thread, CPU and time as well; a flame graph needs only the stacks. */
function valuesByStack({ samples }: Profile): Map<number, number> {
  const totals = new Map<number, number>();
  for (const { stackIndex, values, timestampsUnixNano } of samples) {
    const value =
      values.length === 0 ? timestampsUnixNano.length : Number(values.reduce((sum, each) => sum + each, 0n));
    // A box cannot be drawn with a negative width.
    if (value > 0) totals.set(stackIndex, (totals.get(stackIndex) ?? 0) + value);
  }
  return totals;
}

function readType({ sampleType, periodType, period }: Profile, strings: readonly string[]): FlameProfileType {
  return {
    sampleType: bounded(strings[sampleType.typeStrindex]),
    sampleUnit: bounded(strings[sampleType.unitStrindex]),
    periodType: bounded(strings[periodType.typeStrindex]),
    periodUnit: bounded(strings[periodType.unitStrindex]),
    period: Number(period),
  };
}

function serviceFrame(attributes: readonly KeyValue[]): FlameFrame {
  const name = attributes.find(({ key }) => key === 'service.name')?.value;
  const text = typeof name === 'string' && name !== '' ? bounded(name) : '(no service.name)';
  return { name: text, class: 'service', type: '', module: '', file: '', line: 0 };
}

/** Reads stacks of one dictionary as paths of frames, root first; each location is read once. */
class PathReader {
  readonly #dictionary: ProfilesDictionary;
  readonly #frames: FlameFrameTable;
  readonly #pathsByLocation = new Map<number, readonly number[]>();

  constructor(dictionary: ProfilesDictionary, frames: FlameFrameTable) {
    this.#dictionary = dictionary;
    this.#frames = frames;
  }

  read(stack: number): number[] {
    const locations = this.#dictionary.stackTable[stack]?.locationIndices ?? [];
    return locations.toReversed().flatMap((location) => this.#readLocation(location));
  }

  /** Inlined functions stand below the function that they were inlined into. */
  #readLocation(index: number): readonly number[] {
    const known = this.#pathsByLocation.get(index);
    if (known !== undefined) return known;
    const location = this.#dictionary.locationTable[index];
    const path = location === undefined ? [] : this.#framesOf(location).map((frame) => this.#frames.intern(frame));
    this.#pathsByLocation.set(index, path);
    return path;
  }

  #framesOf(location: Location): FlameFrame[] {
    const type = this.#frameTypeOf(location);
    const module = this.#text(this.#dictionary.mappingTable[location.mappingIndex]?.filenameStrindex);
    const named = location.lines.toReversed().map((line) => this.#frameOf(line, type, module));
    if (named.some(({ name }) => name !== '')) return named.filter(({ name }) => name !== '');
    return [{ name: placeOf(location.address, type, module), class: 'unresolved', type, module, file: '', line: 0 }];
  }

  #frameOf({ functionIndex, line }: Line, type: string, module: string): FlameFrame {
    const entry = this.#dictionary.functionTable[functionIndex];
    const name = this.#text(entry?.nameStrindex) || this.#text(entry?.systemNameStrindex);
    const file = this.#text(entry?.filenameStrindex);
    const start = Number(entry?.startLine ?? 0n);
    const frameClass = classifyFrame({ type, name, file });
    return { name, class: frameClass, type, module, file, line: start > 0 ? start : Number(line) };
  }

  #frameTypeOf({ attributeIndices }: Location): string {
    for (const index of attributeIndices) {
      const attribute = this.#dictionary.attributeTable[index];
      if (attribute === undefined || typeof attribute.value !== 'string') continue;
      if (this.#dictionary.stringTable[attribute.keyStrindex] === 'profile.frame.type') return bounded(attribute.value);
    }
    return '';
  }

  #text(index: number | undefined): string {
    return bounded(this.#dictionary.stringTable[index ?? 0]);
  }
}

/** Where an unnamed frame is: the file's base name or else the frame type, and the address. */
function placeOf(address: bigint, type: string, module: string): string {
  const base = module.slice(module.lastIndexOf('/') + 1) || (type === '' || type === 'native' ? '' : `[${type}]`);
  return `${base === '' ? '' : `${base}+`}0x${address.toString(16)}`;
}

function bounded(text: string | undefined): string {
  if (text === undefined || text.length <= maxTextLength) return text ?? '';
  return `${text.slice(0, maxTextLength - 1)}…`;
}
