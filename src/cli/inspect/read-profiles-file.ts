import { isUtf8 } from 'node:buffer';
import { InvalidMessage } from '../../model/invalid-message.ts';
import { decodeJson } from '../../otlp/json/decode-profiles-json.ts';
import type { DecodedProfiles } from '../../otlp/protobuf/decode-profiles-data.ts';
import { decodeProfiles } from '../../otlp/protobuf/decode-profiles-data.ts';
import { decodePprof, isPprof } from '../../profile/formats/decode-pprof.ts';
import { profilesFromPprof } from '../../profile/formats/profiles-from-pprof.ts';
import { mergeProfiles } from '../../profile/join/profiles-joiner.ts';
import { unpack } from './unpack.ts';

type Layout = 'pprof' | 'protobuf' | 'length-delimited protobuf' | 'length-delimited JSON' | 'JSON' | 'JSON lines';

export interface ProfilesFile {
  /** Layout of the messages in the file, and their compression. */
  readonly format: Layout | `${Layout}, ${'gzip' | 'zstd'}` | `${Layout}, zstd in each message`;
  readonly messages: readonly DecodedProfiles[];
}

interface Contents {
  readonly format: Layout | `${Layout}, zstd in each message`;
  readonly messages: readonly DecodedProfiles[];
}

/**
 * Reads OTLP profiles of any file format: one protobuf message; messages behind their lengths (4 big-endian bytes), as the
 * Collector's file exporter writes them, also compressed one by one; one JSON document; JSON lines; a pprof profile; and each
 * of these in gzip or zstd. The content tells the format.
 * @throws InvalidMessage
 */
export async function readProfilesFile(file: Uint8Array): Promise<ProfilesFile> {
  if (file.length === 0) throw new InvalidMessage('', 'is empty');
  const { bytes, compression } = await unpack(file);
  const { format, messages } = await readContents(bytes);
  // Traces, metrics and logs have resources and scopes as well; a dictionary is what only profiles have.
  if (messages.every(({ data }) => data.dictionary.stringTable.length === 0)) {
    throw new InvalidMessage('', 'has no dictionary; it may be of traces, metrics or logs, or of another format');
  }
  return {
    format: compression === undefined ? format : (`${format}, ${compression}` as ProfilesFile['format']),
    messages,
  };
}

async function readContents(bytes: Uint8Array): Promise<Contents> {
  const frames = splitFrames(bytes);
  if (frames !== undefined) return readFrames(frames);
  const documents = splitDocuments(bytes);
  if (documents !== undefined) return readDocuments(documents);
  if (isPprof(bytes)) return readPprof(bytes);
  return { format: 'protobuf', messages: [decodeProfiles(bytes)] };
}

function readPprof(bytes: Uint8Array): Contents {
  // Without what no sample leads to, as OTLP has it.
  const data = mergeProfiles([profilesFromPprof(decodePprof(bytes))]);
  return {
    format: 'pprof',
    messages: [{ data, referencedStrings: new Set(), mendedTexts: 0, misnumberedSamples: new Set() }],
  };
}

async function readFrames(frames: readonly Uint8Array[]): Promise<Contents> {
  const messages: DecodedProfiles[] = [];
  let format: Contents['format'] = 'length-delimited protobuf';
  for (const [index, frame] of frames.entries()) {
    const path = `message ${index + 1}`;
    const { bytes, compression } = await unpack(frame).catch((error) => rethrowWithin(path, error));
    const isJson = bytes[0] === 0x7b;
    const layout: Layout = isJson ? 'length-delimited JSON' : 'length-delimited protobuf';
    format = compression === 'zstd' ? `${layout}, zstd in each message` : layout;
    messages.push(within(path, () => (isJson ? decodeJson(Buffer.from(bytes).toString()) : decodeProfiles(bytes))));
  }
  return { format, messages };
}

/**
 * Messages of a length-delimited file; `undefined` when it is none. Its first byte is 0 as long as its first message is
 * shorter than 16 MiB, and no protobuf message or JSON text begins so.
 */
function splitFrames(bytes: Uint8Array): Uint8Array[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const frames: Uint8Array[] = [];
  let position = 0;
  while (position + 4 <= bytes.length) {
    const end = position + 4 + view.getUint32(position);
    if (end > bytes.length) break;
    frames.push(bytes.subarray(position + 4, end));
    position = end;
  }
  if (position === bytes.length) return frames;
  if (bytes[0] !== 0) return undefined;
  const path = `message ${frames.length + 1}`;
  throw new InvalidMessage(path, `the file ends inside it, ${bytes.length - position} bytes after its beginning`);
}

/** JSON documents of a text; `undefined` when the bytes are not JSON. */
function splitDocuments(bytes: Uint8Array): string[] | undefined {
  // A line feed and a brace are also the head of a protobuf message, with a first resource of 123 bytes.
  if (bytes[0] === 0x0a && bytes[1] === 0x7b && isMessage(bytes)) return undefined;
  if (!isUtf8(bytes)) return undefined;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    .toString()
    .replace(/^\ufeff/, '');
  if (!/^\s*\{\s*["}]/.test(text)) return undefined;
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.length > 1 && isJson(lines[0]!) ? lines : [text];
}

function isMessage(bytes: Uint8Array): boolean {
  try {
    decodeProfiles(bytes);
    return true;
  } catch {
    return false;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function readDocuments(documents: readonly string[]): Contents {
  if (documents.length === 1) return { format: 'JSON', messages: [decodeJson(documents[0]!)] };
  return {
    format: 'JSON lines',
    messages: documents.map((line, index) => within(`message ${index + 1}`, () => decodeJson(line))),
  };
}

function within<T>(segment: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    return rethrowWithin(segment, error);
  }
}

function rethrowWithin(segment: string, error: unknown): never {
  throw error instanceof InvalidMessage ? error.within(segment) : error;
}
