// hot

import { noElements } from '../../otlp/no-elements.ts';
import type { Profile, Sample } from '../../otlp/profiles-data.ts';
import { QuadIndex } from '../../support/quad-index.ts';

/**
 * How the samples of a profile tell their observations (the protocol allows one way a profile): moments that count 1 each, one
 * sum without moments, or moments with a value each. `nothing`: there are no samples.
 */
export type SampleShape = 'moments' | 'sums' | 'moments with values' | 'nothing';

/** `undefined` when samples differ in shape or have none that the protocol knows: nobody can tell how to join them. */
export function shapeOf({ samples }: Profile): SampleShape | undefined {
  let shape: SampleShape | undefined = 'nothing';
  for (let i = 0; i < samples.length; i++) {
    const own = shapeOfSample(samples[i]!);
    if (own === undefined || (i > 0 && own !== shape)) return undefined;
    shape = own;
  }
  return shape;
}

function shapeOfSample({ values, timestampsUnixNano }: Sample): SampleShape | undefined {
  if (timestampsUnixNano.length === 0) return values.length === 1 ? 'sums' : undefined;
  if (values.length === 0) return 'moments';
  return values.length === timestampsUnixNano.length ? 'moments with values' : undefined;
}

interface OpenSample extends Sample {
  readonly values: bigint[];
  readonly timestampsUnixNano: bigint[];
}

const maxUint32 = 0xffff_ffff;
const maxUint64 = 2n ** 64n - 1n;
const maxInt64 = 2n ** 63n - 1n;

/**
 * Profiles that differ in their time and samples alone, as one. Samples with the same stack, attributes and link are one:
 * their moments follow each other in the order of arrival, their sums are added up. All indices are those of one dictionary without duplicates.
 */
export class JoinedProfile {
  /** Of the first one; without samples. */
  readonly #head: Profile;
  readonly #shape: SampleShape | undefined;
  readonly #identities = new QuadIndex();
  readonly #samples: OpenSample[] = [];
  #startUnixNano: bigint;
  #endUnixNano: bigint;
  /** Of the profile whose samples come now. */
  #ownEndUnixNano: bigint;
  /** The first nanosecond after a moment at the very end of its profile, which some profilers count in. */
  #afterLastUnixNano = 0n;
  #droppedAttributesCount = 0;
  #keepsId: boolean;
  #isEmpty = true;

  /** `isFirst`: whether no other profile has samples of the one that `head` is of. */
  constructor(head: Profile, shape: SampleShape | undefined, isFirst: boolean) {
    this.#head = head;
    this.#shape = shape;
    this.#keepsId = isFirst;
    this.#startUnixNano = head.timeUnixNano;
    this.#endUnixNano = head.timeUnixNano;
    this.#ownEndUnixNano = head.timeUnixNano;
  }

  get sampleCount(): number {
    return this.#samples.length;
  }

  /** One more profile whose samples come now. */
  begin({ timeUnixNano, durationNano, droppedAttributesCount }: Profile): void {
    if (!this.#isEmpty) this.#keepsId = false;
    this.#isEmpty = false;
    const endUnixNano = timeUnixNano + durationNano;
    this.#ownEndUnixNano = endUnixNano;
    if (timeUnixNano < this.#startUnixNano) this.#startUnixNano = timeUnixNano;
    if (endUnixNano > this.#endUnixNano) this.#endUnixNano = endUnixNano;
    this.#droppedAttributesCount = Math.min(maxUint32, this.#droppedAttributesCount + droppedAttributesCount);
  }

  /**
   * `attributeSet` stands for the attributes, in whatever order. Says `false` and takes nothing when a sum would leave 64 bits.
   */
  add(sample: Sample, attributeSet: number): boolean {
    if (this.#shape === undefined) {
      this.#samples.push(sample as OpenSample);
      return true;
    }
    if (sample.timestampsUnixNano.includes(this.#ownEndUnixNano) && this.#ownEndUnixNano >= this.#afterLastUnixNano) {
      this.#afterLastUnixNano = this.#ownEndUnixNano + 1n;
    }
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

  /** A profile that was joined with no other keeps its ID; several of them get a new one. */
  build(createProfileId: () => Uint8Array): Profile {
    const isLonger = !this.#keepsId && this.#afterLastUnixNano > this.#endUnixNano;
    const durationNano = (isLonger ? this.#afterLastUnixNano : this.#endUnixNano) - this.#startUnixNano;
    return {
      ...this.#head,
      samples: this.#samples,
      timeUnixNano: this.#startUnixNano,
      durationNano: durationNano < maxUint64 ? durationNano : maxUint64,
      profileId: this.#keepsId ? this.#head.profileId : createProfileId(),
      droppedAttributesCount: this.#droppedAttributesCount,
    };
  }
}

/** Lists that may grow. What a shape leaves empty stays empty, and shares the list that nobody changes. */
function openCopy({ values, timestampsUnixNano, ...rest }: Sample): OpenSample {
  return { ...rest, values: ownList(values), timestampsUnixNano: ownList(timestampsUnixNano) };
}

function ownList(list: readonly bigint[]): bigint[] {
  return list.length === 0 ? (noElements as readonly bigint[] as bigint[]) : list.slice();
}
