import { readFileSync } from 'node:fs';

/** Messages of the Collector's file format, each behind its length in four bytes, big-endian. @throws Error when the last is not whole */
export function readProtoFile(path: string): Buffer[] {
  const { messages, bytes, end } = read(path);
  if (end < bytes.length) {
    throw new Error(`${path}: message ${messages.length} begins at ${end} of ${bytes.length} bytes, and is not whole`);
  }
  return messages;
}

/** The same for a file to which a service may be writing: the last message is left out when it is not whole. */
export function readGrowingProtoFile(path: string): Buffer[] {
  return read(path).messages;
}

function read(path: string): { readonly messages: Buffer[]; readonly bytes: Buffer; readonly end: number } {
  const bytes = readFileSync(path);
  const messages: Buffer[] = [];
  let end = 0;
  while (end + 4 <= bytes.length && end + 4 + bytes.readUInt32BE(end) <= bytes.length) {
    const start = end + 4;
    end = start + bytes.readUInt32BE(end);
    messages.push(bytes.subarray(start, end));
  }
  return { messages, bytes, end };
}
