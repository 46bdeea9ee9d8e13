import type { Profile, Sample } from '../../otlp/profiles-data.ts';
import { classifyFrame } from '../../profile/flame/frame-class.ts';
import type { Frame, FrameReader } from '../../profile/flame/frame-reader.ts';
import { frameLabel } from '../../profile/flame/frame-reader.ts';
import type { FunctionSummary, TypeSummary, UnnamedSummary } from './profiles-summary.ts';

/** Adds up all profiles of one sample type. */
export class TypeTally {
  readonly #sampleType: string;
  readonly #periodType: string;
  readonly #period: bigint;
  readonly #frameTypes = new Map<string, Counts<TypeSummary['frameTypes'][number]>>();
  readonly #functions = new Map<string, FunctionTally>();
  readonly #unnamed = new Map<string, { addresses: Set<bigint>; frames: bigint }>();
  #profiles = 0;
  #samples = 0;
  #observations = 0;
  #total = 0n;
  #startUnixNano: bigint | undefined;
  #endUnixNano = 0n;

  constructor(sampleType: string, periodType: string, period: bigint) {
    this.#sampleType = sampleType;
    this.#periodType = periodType;
    this.#period = period;
  }

  add(profile: Profile, reader: FrameReader): void {
    const { timeUnixNano, durationNano } = profile;
    this.#profiles++;
    if (this.#startUnixNano === undefined || timeUnixNano < this.#startUnixNano) this.#startUnixNano = timeUnixNano;
    if (timeUnixNano + durationNano > this.#endUnixNano) this.#endUnixNano = timeUnixNano + durationNano;
    for (const sample of profile.samples) this.#addSample(sample, reader);
  }

  summary(top: number): TypeSummary {
    return {
      sampleType: this.#sampleType,
      periodType: this.#periodType,
      period: this.#period,
      profiles: this.#profiles,
      samples: this.#samples,
      observations: this.#observations,
      total: this.#total,
      startUnixNano: this.#startUnixNano ?? 0n,
      endUnixNano: this.#endUnixNano,
      frameTypes: [...this.#frameTypes.values()].sort((a, b) => descending(a.frames, b.frames)),
      unnamed: this.#unnamedFiles().slice(0, top),
      functions: this.#topFunctions().slice(0, top),
    };
  }

  #addSample(sample: Sample, reader: FrameReader): void {
    const observations = sample.timestampsUnixNano.length || 1;
    const value = sample.values.length > 0 ? sample.values.reduce((sum, one) => sum + one, 0n) : BigInt(observations);
    this.#samples++;
    this.#observations += observations;
    this.#total += value;
    for (const [depth, frame] of reader.stackFrames(sample.stackIndex).entries()) {
      this.#addFrame(frame, BigInt(observations), depth === 0 ? value : 0n);
      const tally = this.#functionOf(frame);
      if (depth === 0) tally.self += value;
      // A recursive function is in the sample once.
      if (tally.lastSample !== this.#samples) tally.total += value;
      tally.lastSample = this.#samples;
    }
  }

  #addFrame(frame: Frame, observations: bigint, self: bigint): void {
    const counts = this.#countsOf(frame.frameType);
    const isStub = classifyFrame({ type: frame.frameType, name: frame.functionName, file: frame.filePath }) === 'stub';
    counts.frames += observations;
    counts.self += self;
    if (isStub) {
      counts.stubs += observations;
      counts.stubSelf += self;
    }
    if (frame.functionName !== '') {
      counts.named += observations;
      return;
    }
    counts.unnamed += observations;
    const unnamed = this.#unnamed.get(frame.mappingFile) ?? { addresses: new Set<bigint>(), frames: 0n };
    unnamed.addresses.add(frame.address);
    unnamed.frames += observations;
    this.#unnamed.set(frame.mappingFile, unnamed);
  }

  #countsOf(frameType: string): Counts<TypeSummary['frameTypes'][number]> {
    let counts = this.#frameTypes.get(frameType);
    if (counts === undefined) {
      counts = { frameType, frames: 0n, named: 0n, stubs: 0n, unnamed: 0n, self: 0n, stubSelf: 0n };
      this.#frameTypes.set(frameType, counts);
    }
    return counts;
  }

  #functionOf(frame: Frame): FunctionTally {
    const name = frameLabel(frame);
    const key = `${frame.frameType}\n${frame.filePath}\n${name}`;
    let tally = this.#functions.get(key);
    if (tally === undefined) {
      const { filePath, frameType } = frame;
      tally = { name, file: filePath, frameType, self: 0n, total: 0n, lastSample: 0 };
      this.#functions.set(key, tally);
    }
    return tally;
  }

  #topFunctions(): FunctionSummary[] {
    return [...this.#functions.values()]
      .sort((a, b) => descending(a.self, b.self) || descending(a.total, b.total))
      .map(({ lastSample: _, ...summary }) => summary);
  }

  #unnamedFiles(): UnnamedSummary[] {
    return [...this.#unnamed]
      .map(([file, { addresses, frames }]) => ({ file, addresses: addresses.size, frames }))
      .sort((a, b) => descending(a.frames, b.frames));
  }
}

type Counts<T> = { -readonly [Key in keyof T]: T[Key] };

interface FunctionTally extends Counts<FunctionSummary> {
  /** Number of the last sample that it was seen in. */
  lastSample: number;
}

function descending(a: bigint, b: bigint): number {
  if (a === b) return 0;
  return a < b ? 1 : -1;
}
