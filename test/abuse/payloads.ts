import { gzipSync } from 'node:zlib';

/** A field of protobuf with `bytes` as its value. */
export function field(number: number, bytes: Uint8Array): Buffer {
  const head: number[] = [(number << 3) | 2];
  let size = bytes.length;
  for (; size > 127; size >>>= 7) head.push((size & 127) | 128);
  return Buffer.concat([Buffer.from([...head, size]), bytes]);
}

/** A request with one profile of `count` empty samples: two bytes each, `12 00`. */
export function emptySamples(count: number): Buffer {
  const samples = Buffer.alloc(2 * count);
  for (let i = 0; i < samples.length; i += 2) samples[i] = 0x12;
  return field(1, field(2, field(2, samples)));
}

/** A request with a dictionary of `count` empty stacks: two bytes each, `3a 00`. */
export function emptyStacks(count: number): Buffer {
  const stacks = Buffer.alloc(2 * count);
  for (let i = 0; i < stacks.length; i += 2) stacks[i] = 0x3a;
  return field(2, stacks);
}

/** `{"resourceProfiles":[{},{},…]}` of about `sizeBytes`. */
export function emptyResources(sizeBytes: number): Buffer {
  return Buffer.from(`{"resourceProfiles":[${'{},'.repeat(Math.floor(sizeBytes / 3))}{}]}`);
}

/** JSON that is nested `depth` deep. */
export function deepJson(depth: number): Buffer {
  return Buffer.from(`{"resourceProfiles":${'['.repeat(depth)}${']'.repeat(depth)}}`);
}

export function gzipped(bytes: Uint8Array): Buffer {
  return gzipSync(bytes);
}
