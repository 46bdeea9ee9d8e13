/** A number from 0 to `below`, without it. */
export type RandomBelow = (below: number) => number;

/** Numbers that a seed repeats (xorshift32). */
export function randomOf(seed: number): RandomBelow {
  let state = (seed | 0) === 0 ? 1 : seed | 0;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % Math.max(1, below);
  };
}

const interesting = [0, 1, 0x22, 0x2a, 0x2c, 0x3a, 0x5b, 0x7b, 0x7f, 0x80, 0xc3, 0xff];

/** Some bytes changed, taken out, put in, repeated, or the end cut off; a tenth of the inputs stay as they are. */
export function mutate(input: Buffer, random: RandomBelow): Buffer {
  let bytes: Buffer = Buffer.from(input);
  for (let count = random(10) === 0 ? 0 : 1 + random(6); count > 0 && bytes.length > 0; count--) {
    const at = random(bytes.length);
    const length = 1 + random(random(8) === 0 ? bytes.length - at : 8);
    switch (random(6)) {
      case 0:
        bytes[at] = random(256);
        break;
      case 1:
        bytes[at] = interesting[random(interesting.length)]!;
        break;
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
        break;
      case 3:
        bytes = repeated(bytes, at, length, 1 + random(random(8) === 0 ? 512 : 4));
        break;
      case 4:
        bytes = bytes.subarray(0, at);
        break;
      default:
        bytes[at]! ^= 1 << random(8);
    }
  }
  return bytes;
}

const mostBytes = 1024 * 1024;

function repeated(bytes: Buffer, at: number, length: number, times: number): Buffer {
  const part = bytes.subarray(at, at + length);
  if (bytes.length + part.length * times > mostBytes) return bytes;
  return Buffer.concat([bytes.subarray(0, at), ...Array<Buffer>(times).fill(part), bytes.subarray(at)]);
}
