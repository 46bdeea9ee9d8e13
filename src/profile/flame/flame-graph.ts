import type { KeyValue, Line, Location, Profile, ProfilesData, ProfilesDictionary } from '../../otlp/profiles-data.ts';
import type { Steps } from '../../support/steps.ts';
import { atOnce } from '../../support/steps.ts';
import { attributeNames } from '../attribute-names.ts';
import type { FlameFrame, FlameProfileType, FlameTrees } from './flame-tree.ts';
import { maxTextLength, profileTypeKey } from './flame-tree.ts';
import { FlameFrameTable, FlameTreeBuilder } from './flame-tree-builder.ts';
import { classifyFrame } from './frame-class.ts';

// A collector may send 64 types a batch; a person looks at two or three.
const maxTypes = 16;

/** Folds profiles into one tree for each profile type, with at most `maxNodes` nodes in all of them together. */
export function* foldFlameTrees(data: ProfilesData, maxNodes: number): Steps<FlameTrees> {
  const folder = new FlameFolder(maxNodes);
  yield* folder.addInSteps(data);
  return folder.build();
}

/**
 * Folds requests into one tree for each profile type, one request after the other. It holds on to at most a few times
 * `maxNodes` nodes of a type and as many frames, and what one request adds to them.
 */
export class FlameFolder {
  readonly #maxNodes: number;
  #frames = new FlameFrameTable();
  #builders = new Map<string, FlameTreeBuilder>();
  #omittedSampleCount = 0;

  constructor(maxNodes: number) {
    this.#maxNodes = Math.max(2, maxNodes);
  }

  /** Of the trees, and those that were folded away and are not forgotten yet. */
  get frameCount(): number {
    return this.#frames.count;
  }

  add(data: ProfilesData): void {
    atOnce(this.addInSteps(data));
  }

  /** The same in steps. */
  *addInSteps({ resourceProfiles, dictionary }: ProfilesData): Steps<void> {
    const paths = new PathReader(dictionary, this.#frames);
    for (const { resource, scopeProfiles } of resourceProfiles) {
      const service = this.#frames.intern(serviceFrame(resource.attributes));
      for (const { profiles } of scopeProfiles) {
        for (const profile of profiles) yield* this.#addProfile(profile, service, dictionary.stringTable, paths);
      }
    }
    if (this.#frames.count > frameSlack * this.#maxNodes) this.#forgetFrames();
  }

  /** May be called again when more has been added. */
  build(): FlameTrees {
    const share = Math.max(2, Math.floor(this.#maxNodes / Math.max(1, this.#builders.size)));
    const trees = [...this.#builders.values()].map((builder) => builder.build(share));
    return { trees, omittedSampleCount: this.#omittedSampleCount };
  }

  *#addProfile(profile: Profile, service: number, strings: readonly string[], paths: PathReader): Steps<void> {
    const type = readType(profile, strings);
    const key = profileTypeKey(type);
    if (!this.#builders.has(key) && this.#builders.size === maxTypes) {
      this.#omittedSampleCount += profile.samples.length;
      return;
    }
    const builder = this.#builders.get(key) ?? new FlameTreeBuilder(type, this.#frames, this.#maxNodes);
    this.#builders.set(key, builder);
    let count = 0;
    for (const [stack, value] of yield* valuesByStack(profile)) {
      if (++count % stacksPerStep === 0) yield;
      builder.addStack([service, ...paths.read(stack)], value);
    }
  }

  /** Begins a table with the frames that the trees still show. */
  #forgetFrames(): void {
    const { trees } = this.build();
    this.#frames = new FlameFrameTable();
    this.#builders = new Map(
      trees.map((tree) => {
        const builder = new FlameTreeBuilder(tree.type, this.#frames, this.#maxNodes);
        builder.addTree(tree);
        return [profileTypeKey(tree.type), builder];
      }),
    );
  }
}

// A tenth of a millisecond each, more or less, before the code is optimized.
const stacksPerStep = 8;
const samplesPerStep = 256;

// A tree of `maxNodes` nodes shows at most as many frames; the others are of nodes that were folded.
const frameSlack = 4;

/** Samples differ by thread, CPU and time as well; a flame graph needs only the stacks. */
function* valuesByStack({ samples }: Profile): Steps<Map<number, number>> {
  const totals = new Map<number, number>();
  for (const [index, { stackIndex, values, timestampsUnixNano }] of samples.entries()) {
    if (index % samplesPerStep === samplesPerStep - 1) yield;
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

/** Profilers of a whole system do not know the services, but what was running. */
function serviceFrame(attributes: readonly KeyValue[]): FlameFrame {
  const textOf = (wanted: string): string => {
    const value = attributes.find(({ key }) => key === wanted)?.value;
    return typeof value === 'string' ? bounded(value) : '';
  };
  const name = textOf(attributeNames.serviceName) || textOf(attributeNames.processExecutableName);
  return { name: name || '(no service.name)', class: 'service', type: '', module: '', file: '', line: 0 };
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

/** Place of an unnamed frame: the file's base name or else the frame type, and the address. */
function placeOf(address: bigint, type: string, module: string): string {
  const base = module.slice(module.lastIndexOf('/') + 1) || (type === '' || type === 'native' ? '' : `[${type}]`);
  return `${base === '' ? '' : `${base}+`}0x${address.toString(16)}`;
}

function bounded(text: string | undefined): string {
  if (text === undefined || text.length <= maxTextLength) return text ?? '';
  return `${text.slice(0, maxTextLength - 1)}…`;
}
