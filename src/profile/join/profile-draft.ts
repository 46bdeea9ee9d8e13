import type { ProfileType } from '../../model/profile-type.ts';
import type { Profile, Sample } from '../../otlp/profiles-data.ts';
import { setKey } from '../check/check-duplicates.ts';
import type { Dialect } from '../dialects/dialect.ts';

/** A profile while samples come in, from one profile or from several of the same type. All indices are of the new tables. */
export class ProfileDraft {
  readonly type: ProfileType;
  readonly #head: Profile;
  #startUnixNano: bigint;
  #endUnixNano: bigint;
  #hasTimestamps = false;
  #isCount = true;
  readonly #samples = new Map<string, Observations>();

  constructor(type: ProfileType, head: Profile) {
    this.type = type;
    this.#head = head;
    this.#startUnixNano = head.timeUnixNano;
    this.#endUnixNano = head.timeUnixNano + head.durationNano;
  }

  /** Widens the time to that of one more profile. */
  widen({ timeUnixNano, durationNano }: Profile): void {
    const endUnixNano = timeUnixNano + durationNano;
    if (timeUnixNano < this.#startUnixNano) this.#startUnixNano = timeUnixNano;
    if (endUnixNano > this.#endUnixNano) this.#endUnixNano = endUnixNano;
  }

  /** Adds a sample that observed something. `startUnixNano` stands for the moments of a sample that has none. */
  add(sample: Sample, startUnixNano: bigint): void {
    const { values, timestampsUnixNano } = sample;
    const count = Math.max(values.length, timestampsUnixNano.length);
    const { total, moments, each } = this.#observationsOf(sample);
    total.push(values.length === 0 ? BigInt(count) : values.reduce((sum, value) => sum + value, 0n));
    if (timestampsUnixNano.length === 0) {
      moments.push(startUnixNano);
      each.push(total.at(-1)!);
    } else {
      this.#hasTimestamps = true;
      for (const [index, moment] of timestampsUnixNano.entries()) {
        moments.push(moment);
        each.push(values[index] ?? 1n);
      }
    }
    this.#isCount &&= each.slice(-count).every((value) => value === 1n);
  }

  finish(shape: Dialect['sampleShape']): Profile {
    const isTimed = shape === 'moments' || (shape === 'uniform' && this.#hasTimestamps);
    const samples = Array.from(this.#samples.values(), ({ sample, total, moments, each }): Sample => {
      if (!isTimed) {
        return { ...sample, values: [total.reduce((sum, value) => sum + value, 0n)], timestampsUnixNano: [] };
      }
      const timestampsUnixNano = moments.map((moment) => this.#within(moment));
      return { ...sample, values: this.#isCount ? [] : each, timestampsUnixNano };
    });
    const durationNano = this.#endUnixNano - this.#startUnixNano;
    // A moment lies before the end of its profile, so no profile with samples is without duration.
    return {
      ...this.#head,
      samples,
      timeUnixNano: this.#startUnixNano,
      durationNano: durationNano > 0n ? durationNano : 1n,
    };
  }

  #observationsOf(sample: Sample): Observations {
    const key = `${sample.stackIndex}|${sample.linkIndex}|${setKey(sample.attributeIndices)}`;
    let observations = this.#samples.get(key);
    if (observations === undefined) {
      observations = { sample, total: [], moments: [], each: [] };
      this.#samples.set(key, observations);
    }
    return observations;
  }

  #within(moment: bigint): bigint {
    if (moment < this.#startUnixNano) return this.#startUnixNano;
    return moment < this.#endUnixNano || this.#endUnixNano <= this.#startUnixNano ? moment : this.#endUnixNano - 1n;
  }
}

/** What was observed of one stack with one set of attributes and one link. */
interface Observations {
  readonly sample: Sample;
  /** A total of each sample that came in. */
  readonly total: bigint[];
  /** Moments, and the value of each. */
  readonly moments: bigint[];
  readonly each: bigint[];
}
