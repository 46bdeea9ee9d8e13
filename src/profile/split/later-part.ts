// hot

import { createHash } from 'node:crypto';
import type { Profile, Samples } from '../../otlp/profiles-data.ts';
import { columnsOf } from '../../otlp/sample-columns.ts';
import { halvesOf, isBefore } from '../../support/halves.ts';
import { ownPrefixBytes } from '../../support/profile-ids.ts';

/**
 * The part of a profile that begins at a sample. Pyroscope takes profiles with equal labels and equal `time_unix_nano` for one
 * profile and drops all but one of them, so each part begins later than the part before it: by as many nanoseconds as
 * samples stand before it in the profile. Parts of parts then differ too, and a part begins at the same time at each try.
 * A start of 0 means "unknown" and stays.
 */
export function laterPart(profile: Profile, firstSample: number): Profile {
  const part = firstSample === 0 ? profile : { ...profile, profileId: partId(profile.profileId, firstSample) };
  return beginLater(part, BigInt(firstSample));
}

/**
 * The profile with a start that is later, and with the same end unless no nanosecond is left before it. A timestamp that would lie
 * before the start moves to the start, which is less than a nanosecond a sample.
 */
export function beginLater(profile: Profile, nanoseconds: bigint): Profile {
  const timeUnixNano = profile.timeUnixNano + nanoseconds;
  if (nanoseconds === 0n || profile.timeUnixNano === 0n || timeUnixNano > maxUint64) return profile;
  const durationNano = profile.durationNano - nanoseconds;
  return {
    ...profile,
    timeUnixNano,
    durationNano: durationNano > 0n ? durationNano : 1n,
    samples: notBefore(profile.samples, timeUnixNano),
  };
}

const maxUint64 = 2n ** 64n - 1n;

/** The samples with no timestamp before `unixNano`: the same samples where they have none. */
function notBefore(samples: Samples, unixNano: bigint): Samples {
  const { columns, first, length } = columnsOf(samples);
  const [low, high] = halvesOf(unixNano);
  for (let at = columns.timesStart(first), end = columns.timesStart(first + length); at < end; at++) {
    if (isBefore(columns.times[2 * at]!, columns.times[2 * at + 1]!, low, high)) {
      return movedTo(samples, unixNano);
    }
  }
  return samples;
}

function movedTo(samples: Samples, unixNano: bigint): Samples {
  return Array.from(samples, (sample) => ({
    ...sample,
    timestampsUnixNano: sample.timestampsUnixNano.map((each) => (each < unixNano ? unixNano : each)),
  }));
}

/**
 * ID of the part of a profile that begins at a sample: made of the profile's ID and the sample, the same at each try; none for a
 * profile without ID. An ID names one set of samples, and a receiver may drop a profile whose ID it has seen. The first half
 * stays: by it the process that made a profile knows its parts.
 */
export function partId(profileId: Uint8Array, firstSample: number): Uint8Array {
  if (profileId.length === 0 || firstSample === 0) return profileId;
  const hash = createHash('sha256').update(profileId).update(`part at sample ${firstSample}`).digest();
  const id = new Uint8Array(2 * ownPrefixBytes);
  id.set(profileId.subarray(0, ownPrefixBytes));
  id.set(hash.subarray(0, ownPrefixBytes), ownPrefixBytes);
  return id;
}
