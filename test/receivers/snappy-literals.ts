/** A Snappy block of literals alone; `declared` is the length that it claims. */
export function snappyBlock(bytes: Uint8Array, declared: number = bytes.length): Buffer {
  const parts: Buffer[] = [varint(declared)];
  for (let start = 0; start < bytes.length; start += 60) {
    const part = bytes.subarray(start, start + 60);
    parts.push(Buffer.from([(part.length - 1) << 2]), Buffer.from(part));
  }
  return Buffer.concat(parts);
}

/** A stream of Snappy frames, one compressed and the others not. */
export function snappyFrames(bytes: Uint8Array): Buffer {
  const half = Math.floor(bytes.length / 2);
  const head = bytes.subarray(0, half);
  return Buffer.concat([
    Buffer.from('ff060000734e61507059', 'hex'),
    frame(0, Buffer.concat([checksum(head), snappyBlock(head)])),
    frame(0xfe, Buffer.from([0, 0, 0])),
    frame(1, Buffer.concat([checksum(bytes.subarray(half)), bytes.subarray(half)])),
  ]);
}

function frame(type: number, content: Buffer): Buffer {
  const size = content.length;
  return Buffer.concat([Buffer.from([type, size & 0xff, (size >>> 8) & 0xff, size >>> 16]), content]);
}

/** Bit by bit, as the definition of CRC-32C has it. */
function checksum(bytes: Uint8Array): Buffer {
  let crc = 0xffff_ffffn;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1n) === 1n ? (crc >> 1n) ^ 0x82f6_3b78n : crc >> 1n;
  }
  crc ^= 0xffff_ffffn;
  const masked = (((crc >> 15n) | (crc << 17n)) + 0xa282_ead8n) & 0xffff_ffffn;
  const encoded = Buffer.alloc(4);
  encoded.writeUInt32LE(Number(masked & 0xffff_ffffn));
  return encoded;
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest & 127) | 128);
  return Buffer.from([...bytes, rest]);
}
