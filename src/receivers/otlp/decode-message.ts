import { isUtf8 } from 'node:buffer';
import { InvalidMessage } from '../../model/invalid-message.ts';
import { decodeAnyJson, decodeAnyWire } from '../../otlp/protobuf/decode-any-wire.ts';
import type { DetectedVersion, WireVersion } from '../../otlp/protobuf/wire-version.ts';
import { findWireVersion } from '../../otlp/protobuf/wire-version.ts';
import type { MessageSurvey } from '../../otlp/survey-profiles.ts';
import { surveyJson, surveyProtobuf } from '../../otlp/survey-profiles.ts';
import type { SortedProfiles } from './sort-out-profiles.ts';
import { sortOutProfiles } from './sort-out-profiles.ts';

/** An ExportProfilesServiceRequest, decompressed. */
export interface MessageContent {
  readonly encoding: 'protobuf' | 'json';
  readonly bytes: Uint8Array;
  /** True when the sender declared the current version of the protocol. */
  readonly isVersionDeclared: boolean;
  /** First bytes of the IDs of profiles that this process made; these are left out. */
  readonly ownIdPrefix?: Uint8Array | undefined;
  /** Gives the memory of `bytes` back. */
  readonly release?: (() => void) | undefined;
}

/** A message without its faulty profiles, and the version that its sender wrote. */
export interface DecodedMessage extends SortedProfiles {
  readonly version: WireVersion;
  /** Texts that were not UTF-8: each wrong byte became U+FFFD. Those of JSON count as one. */
  readonly mendedTexts: number;
}

/** Messages and texts of one request. 32 MiB of the eBPF profiler's are a million. */
const mostElements = 2_097_152;

/**
 * Decodes a message, and leaves its faulty profiles out.
 * @throws InvalidMessage when the message cannot be read, or has more elements than `mostElements` or would take more heap than
 * `mostDecodedBytes`; elements are counted before anything is decoded
 */
export function decodeMessage(
  { encoding, bytes, isVersionDeclared, ownIdPrefix }: MessageContent,
  mostDecodedBytes: number,
  detected: DetectedVersion = detectVersion({ encoding, bytes, isVersionDeclared }),
): DecodedMessage {
  if (encoding === 'protobuf') {
    checkProtobufSize(bytes, mostDecodedBytes);
    const { data, version, mendedTexts, misnumberedSamples } = decodeAnyWire(bytes, isVersionDeclared, detected);
    return { ...sortOutProfiles(data, { misnumbered: misnumberedSamples, ownIdPrefix }), version, mendedTexts };
  }
  checkJsonSize(bytes, mostDecodedBytes);
  try {
    const { data, version } = decodeAnyJson(textOf(bytes));
    return { ...sortOutProfiles(data, { ownIdPrefix }), version, mendedTexts: isUtf8(bytes) ? 0 : 1 };
  } catch (error) {
    if (error instanceof InvalidMessage && !isUtf8(bytes)) throw new InvalidMessage('', notUtf8);
    throw error;
  }
}

/** A declared version needs no guess: old field numbers under the header of the current ones are the sender's fault. */
export function detectVersion({ encoding, bytes, isVersionDeclared }: MessageContent): DetectedVersion {
  return encoding === 'json' || isVersionDeclared ? current : findWireVersion(bytes);
}

const current: DetectedVersion = { kind: 'found', version: 'current' };

const notUtf8 = 'is not valid UTF-8, which JSON is';

/** Cost of the message. @throws InvalidMessage when that is too much */
export function checkProtobufSize(bytes: Uint8Array, mostDecodedBytes: number): MessageSurvey {
  const survey = surveyProtobuf(bytes, mostElements);
  if (survey.elements > mostElements) throw tooManyElements();
  if (survey.decodedBytes > mostDecodedBytes) throw tooExpensive(survey.decodedBytes, mostDecodedBytes);
  return survey;
}

function checkJsonSize(bytes: Uint8Array, mostDecodedBytes: number): void {
  // Numbers, names and separators of JSON are elements too, some ten for one of protobuf.
  const { elements, decodedBytes, depth } = surveyJson(bytes, 10 * mostElements);
  if (elements > 10 * mostElements) throw tooManyElements();
  if (depth > mostJsonDepth) throw new InvalidMessage('', `is nested deeper than ${mostJsonDepth} levels`);
  if (decodedBytes > mostDecodedBytes) throw tooExpensive(decodedBytes, mostDecodedBytes);
}

// A hundred messages, each in a list.
const mostJsonDepth = 200;

function tooManyElements(): InvalidMessage {
  return new InvalidMessage('', `has more than ${mostElements} elements`, splitIt);
}

function tooExpensive(decodedBytes: number, mostDecodedBytes: number): InvalidMessage {
  const problem = `would take ${toMib(decodedBytes)} MiB when it is decoded, and ${toMib(mostDecodedBytes)} MiB are given`;
  return new InvalidMessage('', problem, splitIt);
}

const splitIt = 'send it in several requests, or give the service more heap';

function toMib(bytes: number): number {
  return Math.ceil(bytes / 1024 / 1024);
}

/** A byte order mark is no part of JSON, but some write one. Bytes that are not UTF-8 become U+FFFD. */
function textOf(bytes: Uint8Array): string {
  const start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8', start);
}
