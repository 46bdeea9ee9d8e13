/**
 * Milliseconds that a receiver asks a client to wait, from the bytes of `grpc-status-details-bin`: a google.rpc.Status
 * whose details hold a google.rpc.RetryInfo. `undefined` when there is none, or when the bytes are something else: a
 * status is too late a place to fail. Messages:
 * https://github.com/googleapis/googleapis/blob/master/google/rpc/status.proto and error_details.proto.
 */
export function readRetryDelayMs(statusBytes: Uint8Array): number | undefined {
  try {
    for (const detail of fieldsOf(statusBytes)) {
      if (detail.number !== 3 || !(detail.value instanceof Uint8Array)) continue;
      const any = new Map(fieldsOf(detail.value).map(({ number, value }) => [number, value]));
      if (!isRetryInfo(any.get(1))) continue;
      return durationMs(bytesOf(new Map(fieldsOf(bytesOf(any.get(2))).map((f) => [f.number, f.value])).get(1)));
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return undefined;
}

interface Field {
  readonly number: number;
  readonly value: bigint | Uint8Array;
}

function isRetryInfo(typeUrl: bigint | Uint8Array | undefined): boolean {
  return Buffer.from(bytesOf(typeUrl)).toString().endsWith('/google.rpc.RetryInfo');
}

/** google.protobuf.Duration: seconds = 1, nanos = 2; a negative one asks for nothing. */
function durationMs(bytes: Uint8Array): number {
  let ms = 0;
  for (const { number, value } of fieldsOf(bytes)) {
    if (typeof value !== 'bigint') continue;
    if (number === 1) ms += Number(BigInt.asIntN(64, value)) * 1e3;
    if (number === 2) ms += Number(BigInt.asIntN(32, value)) / 1e6;
  }
  return Math.max(0, ms);
}

function bytesOf(value: bigint | Uint8Array | undefined): Uint8Array {
  return value instanceof Uint8Array ? value : new Uint8Array();
}

/** The varint and length-delimited fields of a message, in order; those of fixed size are skipped. */
function fieldsOf(bytes: Uint8Array): Field[] {
  const fields: Field[] = [];
  let offset = 0;
  const take = (length: number): Uint8Array => {
    if (offset + length > bytes.length) throw new RangeError('the message ends early');
    offset += length;
    return bytes.subarray(offset - length, offset);
  };
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = take(1)[0]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new RangeError('a varint has more than 10 bytes');
  };
  while (offset < bytes.length) {
    const tag = Number(varint());
    const wireType = tag % 8;
    if (wireType === 0) fields.push({ number: Math.floor(tag / 8), value: varint() });
    else if (wireType === 2) fields.push({ number: Math.floor(tag / 8), value: take(Number(varint())) });
    else if (wireType === 1 || wireType === 5) take(wireType === 1 ? 8 : 4);
    else throw new RangeError(`wire type ${wireType} is unknown`);
  }
  return fields;
}
