import type { Profile, ProfilesData } from '../../src/otlp/profiles-data.ts';
import type { PlainBatch } from '../support/frames-client.ts';
import type { FixtureSample } from '../support/profiles-fixture.ts';
import { profilesOf } from '../support/profiles-fixture.ts';

/** What has to arrive of the sample with a number. */
export interface ExpectedSample {
  readonly service: string;
  readonly type: string;
  /** Leaf first. */
  readonly frames: readonly string[];
  readonly timestamps: readonly bigint[];
  /** Of a type without values there are none: each timestamp counts 1. */
  readonly values: readonly bigint[];
}

/** Numbers of samples that are sent as OTLP begin here; those of frame samples are below. */
export const firstOtlpNumber = 3_000_000_000;

const stackCount = 97;
const fileCount = 13;
const processCount = 7;

/**
 * Samples that differ in everything that can be told from their number, which is their thread ID: nothing can become another
 * sample on its way without being noticed. No two of them are alike, so that none are joined.
 */
export class NumberedSamples {
  readonly #startUnixNano: bigint;

  /** Sample n was taken n microseconds after `startUnixNano`. */
  constructor(startUnixNano: bigint) {
    this.#startUnixNano = startUnixNano;
  }

  expected(number: number): ExpectedSample {
    const isOtlp = number >= firstOtlpNumber;
    const index = isOtlp ? number - firstOtlpNumber : number;
    const prefix = isOtlp ? 'otlp_' : '';
    const stack = index % stackCount;
    const moment = this.#startUnixNano + BigInt(index) * 1_000n;
    const timestamps = index % 5 === 0 ? [moment, moment + 500n] : [moment];
    const isOffCpu = !isOtlp && index % 3 === 0;
    return {
      service: `${prefix}service-${index % processCount}`,
      type: isOffCpu ? 'off_cpu/nanoseconds' : 'samples/count',
      frames: Array.from({ length: depthOf(stack) }, (_, depth) => `${prefix}${nameOf(stack, depth)}`),
      timestamps,
      values: isOffCpu ? timestamps.map((_, position) => BigInt(index * 3 + 1 + position)) : [],
    };
  }

  /** A batch of frame samples with the names of its frames, but without sender and sequence number. */
  batch(numbers: readonly number[]): PlainBatch {
    const strings = new Table<string, string>();
    const string = (text: string): number => strings.intern(text, () => text);
    const frames = new Table<string, PlainBatch>();
    const symbols: PlainBatch[] = [];
    const stacks = new Table<number, PlainBatch>();
    const samples = numbers.map((number) => {
      const stack = number % stackCount;
      const { timestamps, values } = this.expected(number);
      const frameOf = (depth: number): number =>
        frames.intern(`${stack} ${depth}`, () => {
          const place = { fileId: 1 + ((stack + depth) % fileCount), addressOrLine: 0x1000 + stack * 64 + depth };
          const name = string(nameOf(stack, depth));
          symbols.push({ ...place, locations: [{ function: name, file: string('chaos.c'), line: 1 + depth }] });
          return { ...place, kind: depth % 2 === 0 ? native : cpython };
        });
      return {
        stack: stacks.intern(stack, () => ({
          frames: Array.from({ length: depthOf(stack) }, (_, depth) => frameOf(depth)),
        })),
        process: 1 + (number % processCount),
        profileType: values.length > 0 ? 2 : 1,
        threadId: number,
        timestamps,
        values,
      };
    });
    const processes = Array.from({ length: processCount }, (_, index) => ({
      pid: 1_000 + index,
      startTimeNano: 1,
      serviceName: string(`service-${index}`),
    }));
    const onCpu = typeOf('samples', 'count', 'cpu', 'nanoseconds');
    const offCpu = typeOf('off_cpu', 'nanoseconds', 'off_cpu', 'nanoseconds');
    const profileTypes = [onCpu, offCpu].map(([sampleType, sampleUnit, periodType, periodUnit]) => ({
      sampleType: string(sampleType!),
      sampleUnit: string(sampleUnit!),
      periodType: string(periodType!),
      periodUnit: string(periodUnit!),
      period: 1,
    }));
    const fileIds = Buffer.concat(Array.from({ length: fileCount }, (_, index) => Buffer.alloc(16, 1 + index)));
    return {
      strings: strings.entries,
      fileIds,
      frames: frames.entries,
      stacks: stacks.entries,
      processes,
      profileTypes,
      samples,
      symbols,
    };
  }

  /** The same as OTLP: a resource and a profile for each sample. */
  profiles(numbers: readonly number[]): ProfilesData {
    const samples = numbers.map((number): FixtureSample => {
      const { service, frames, timestamps, values } = this.expected(number);
      return { service, stack: frames.map((name) => ({ names: [name] })), timestamps, values };
    });
    const data = profilesOf(samples);
    const strings = [...data.dictionary.stringTable, 'thread.id'];
    const none = data.dictionary.attributeTable.length;
    const threads = numbers.map((number) => ({
      keyStrindex: strings.length - 1,
      value: BigInt(number),
      unitStrindex: 0,
    }));
    return {
      dictionary: {
        ...data.dictionary,
        stringTable: strings,
        attributeTable: [...data.dictionary.attributeTable, ...threads],
      },
      resourceProfiles: data.resourceProfiles.map((resource, index) => ({
        ...resource,
        scopeProfiles: resource.scopeProfiles.map((scope) => ({
          ...scope,
          profiles: scope.profiles.map((profile) => ofThread(profile, none + index, numbers[index]!)),
        })),
      })),
    };
  }
}

const native = 1;
const cpython = 4;

function depthOf(stack: number): number {
  return 2 + (stack % 30);
}

function nameOf(stack: number, depth: number): string {
  return `function_${stack}_${depth}`;
}

function typeOf(...names: readonly [string, string, string, string]): readonly string[] {
  return names;
}

function ofThread(profile: Profile, attribute: number, number: number): Profile {
  const samples = [...profile.samples].map((sample) => ({ ...sample, attributeIndices: [attribute] }));
  const profileId = Buffer.alloc(16);
  profileId.writeDoubleBE(number);
  const timeUnixNano = samples[0]!.timestampsUnixNano[0]!;
  return { ...profile, samples, profileId, timeUnixNano, durationNano: 1_000n };
}

/** A table of a batch, numbered from 1. */
class Table<K, V> {
  readonly entries: V[] = [];
  readonly #indices = new Map<K, number>();

  intern(key: K, create: () => V): number {
    const known = this.#indices.get(key);
    if (known !== undefined) return known;
    const entry = create();
    const index = this.entries.push(entry);
    this.#indices.set(key, index);
    return index;
  }
}
