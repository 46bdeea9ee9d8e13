/** A google.rpc.Status whose only detail is a RetryInfo. */
export function encodeStatus(code: number, message: string, retryAfterMs: number): Buffer {
  const seconds = BigInt(Math.floor(retryAfterMs / 1000));
  const nanos = BigInt(Math.round((retryAfterMs % 1000) * 1e6));
  const duration = Buffer.concat([field(1, seconds), field(2, nanos)]);
  const typeUrl = Buffer.from('type.googleapis.com/google.rpc.RetryInfo');
  const any = Buffer.concat([field(1, typeUrl), field(2, field(1, duration))]);
  return Buffer.concat([field(1, BigInt(code)), field(2, Buffer.from(message)), field(3, any)]);
}

/** One protobuf field. */
function field(number: number, value: bigint | Buffer): Buffer {
  if (typeof value === 'bigint') return Buffer.concat([varint(BigInt(number * 8)), varint(BigInt.asUintN(64, value))]);
  return Buffer.concat([varint(BigInt(number * 8 + 2)), varint(BigInt(value.length)), value]);
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7n) {
    if (rest < 128n) return Buffer.from([...bytes, Number(rest)]);
    bytes.push(Number(rest & 127n) | 128);
  }
}
