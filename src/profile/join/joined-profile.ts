// hot

import type { Profile, Sample } from '../../otlp/profiles-data.ts';
import { noElements } from '../../otlp/profiles-data.ts';
import { QuadIndex } from '../../support/quad-index.ts';
import type { SampleShape } from './sample-shape.ts';

interface OpenSample extends Sample {
  readonly values: bigint[];
  readonly timestampsUnixNano: bigint[];
}

const maxUint32 = 0xffff_ffff;
const maxUint64 = 2n ** 64n - 1n;
const maxInt64 = 2n ** 63n - 1n;

/** Gives the ID of a profile that was joined from several; `part` is above 0 for the rest of a profile whose sums left 64 bits. */
export type CreateProfileId = (first: Uint8Array, part: number) => Uint8Array;

/**
 * Profiles that differ in their time and samples alone, as one. Samples with the same stack, attributes and link are one:
 * their timestamps follow each other in the order of arrival, their sums are added up. All indices are those of one
 * dictionary without duplicates.
 */
export class JoinedProfile {
  /** Head of the first profile; without samples. */
  readonly #head: Profile;
  readonly #shape: SampleShape | undefined;
  readonly #part: number;
  #identities: QuadIndex | undefined;
  readonly #samples: OpenSample[] = [];
  #startUnixNano: bigint;
  #endUnixNano: bigint;
  /** End of the profile whose samples come now. */
  #ownEndUnixNano: bigint;
  /** First nanosecond after a timestamp at the very end of its profile, which some profilers count in. */
  #afterLastUnixNano = 0n;
  #droppedAttributesCount = 0;
  #keepsId: boolean;
  #isEmpty = true;

  /** Samples of an `undefined` shape stay as they are. `part` counts the profiles that began because a sum left 64 bits. */
  constructor(head: Profile, shape: SampleShape | undefined, part: number) {
    this.#head = head;
    this.#shape = shape;
    this.#part = part;
    this.#keepsId = part === 0;
    this.#startUnixNano = head.timeUnixNano;
    this.#endUnixNano = head.timeUnixNano;
    this.#ownEndUnixNano = head.timeUnixNano;
  }

  get sampleCount(): number {
    return this.#samples.length;
  }

  /** Begins one more profile, whose samples come now. */
  begin({ timeUnixNano, durationNano, droppedAttributesCount }: Profile): void {
    if (!this.#isEmpty) this.#keepsId = false;
    this.#isEmpty = false;
    const endUnixNano = timeUnixNano + durationNano;
    this.#ownEndUnixNano = endUnixNano;
    if (timeUnixNano < this.#startUnixNano) this.#startUnixNano = timeUnixNano;
    if (endUnixNano > this.#endUnixNano) this.#endUnixNano = endUnixNano;
    this.#droppedAttributesCount = Math.min(maxUint32, this.#droppedAttributesCount + droppedAttributesCount);
  }

  /** Adds a sample; `attributeSet` is the number of its attributes, in any order. `false`, without change, when a sum would leave 64 bits. */
  add(sample: Sample, attributeSet: number): boolean {
    if (this.#shape === undefined) {
      this.#samples.push(sample as OpenSample);
      return true;
    }
    if (sample.timestampsUnixNano.includes(this.#ownEndUnixNano) && this.#ownEndUnixNano >= this.#afterLastUnixNano) {
      this.#afterLastUnixNano = this.#ownEndUnixNano + 1n;
    }
    this.#identities ??= new QuadIndex();
    const index = this.#identities.intern(sample.stackIndex, attributeSet, sample.linkIndex, 0);
    const known = this.#samples[index];
    if (known === undefined) {
      this.#samples.push(openCopy(sample));
      return true;
    }
    if (this.#shape === 'sums') {
      const sum = known.values[0]! + sample.values[0]!;
      if (sum > maxInt64 || sum < -maxInt64 - 1n) return false;
      known.values[0] = sum;
      return true;
    }
    const { values, timestampsUnixNano } = sample;
    for (let i = 0; i < timestampsUnixNano.length; i++) known.timestampsUnixNano.push(timestampsUnixNano[i]!);
    for (let i = 0; i < values.length; i++) known.values.push(values[i]!);
    return true;
  }

  /** The joined profile; its ID is that of the only profile, or a new ID for several. */
  build(createProfileId: CreateProfileId): Profile {
    const isLonger = !this.#keepsId && this.#afterLastUnixNano > this.#endUnixNano;
    const durationNano = (isLonger ? this.#afterLastUnixNano : this.#endUnixNano) - this.#startUnixNano;
    return {
      ...this.#head,
      samples: this.#samples,
      timeUnixNano: this.#startUnixNano,
      durationNano: durationNano < maxUint64 ? durationNano : maxUint64,
      profileId: this.#keepsId ? this.#head.profileId : createProfileId(this.#head.profileId, this.#part),
      droppedAttributesCount: this.#droppedAttributesCount,
    };
  }
}

/** A sample whose lists may grow. A list that the shape leaves empty stays empty, and is the shared empty list. */
function openCopy({ values, timestampsUnixNano, ...rest }: Sample): OpenSample {
  return { ...rest, values: ownList(values), timestampsUnixNano: ownList(timestampsUnixNano) };
}

function ownList(list: readonly bigint[]): bigint[] {
  return list.length === 0 ? (noElements as readonly bigint[] as bigint[]) : list.slice();
}
