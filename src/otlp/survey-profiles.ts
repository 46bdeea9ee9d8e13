// hot

/** Cost of a message before it is decoded. */
export interface MessageSurvey {
  /** Messages and texts in it, without those of attributes. */
  readonly elements: number;
  /** Heap that the decoded message takes, roughly and rather too much. */
  readonly decodedBytes: number;
}

/**
 * Counts what a protobuf of OTLP profiles holds, in one pass over its heads that allocates nothing: some 10 ns an element. Stops at
 * `mostElements`. Bytes that are no protobuf end the count; their decoder says what is wrong.
 */
export function surveyProtobuf(bytes: Uint8Array, mostElements: number = Number.POSITIVE_INFINITY): MessageSurvey {
  const survey = new ProtobufSurvey(bytes, mostElements);
  survey.message(request, 0, bytes.length);
  return { elements: survey.elements, decodedBytes: survey.decodedBytes };
}

/**
 * Counts what a JSON text holds, in one pass over its bytes: objects, lists and their depth. Stops at `mostElements`.
 */
export function surveyJson(
  bytes: Uint8Array,
  mostElements: number = Number.POSITIVE_INFINITY,
): MessageSurvey & { readonly depth: number } {
  let elements = 0;
  let commas = 0;
  let depth = 0;
  let deepest = 0;
  for (let p = 0; p < bytes.length && elements + commas <= mostElements; p++) {
    const byte = bytes[p]!;
    if (byte === quote) {
      p++;
      while (p < bytes.length && bytes[p] !== quote) p += bytes[p] === backslash ? 2 : 1;
      elements++;
    } else if (byte === comma) commas++;
    else if (byte === openBrace || byte === openBracket) {
      elements++;
      depth++;
      if (depth > deepest) deepest = depth;
    } else if (byte === closeBrace || byte === closeBracket) depth--;
  }
  const count = elements + commas;
  return {
    elements: count,
    decodedBytes: elements * jsonElementBytes + commas * jsonCommaBytes + 2 * bytes.length,
    depth: deepest,
  };
}

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;

// An object of JSON, and what is read from it; a number in a list, twice.
const jsonElementBytes = 160;
const jsonCommaBytes = 48;

// On the heap of V8, 64 bits: an object is 24 bytes and 8 a field, a bigint 24. A list that is grown by its first element has
// room for 17 of 8 bytes each, and its elements take up to half as much again.
const listBytes = 190;
const listElementBytes = 12;

/** A message of the schema: the bytes that it takes, and its fields that take more. */
interface Schema {
  readonly objectBytes: number;
  /** By number; `undefined` for fields that are read into the object itself. */
  readonly fields: readonly (Field | undefined)[];
}

/** A field with a length: nested messages, or bytes that become `perByte` times as much and `once` for the first of them. */
type Field =
  | { readonly schema: Schema }
  | { readonly perByte: number; readonly once: number; readonly isElement: boolean };

const text: Field = { perByte: 1, once: 40, isElement: true };
// The least value of an attribute takes two bytes and becomes an entry of 40.
const attributes: Field = { perByte: 26, once: 120, isElement: true };
const indices: Field = { perByte: listElementBytes, once: listBytes, isElement: false };
const varints: Field = { perByte: 18, once: listBytes, isElement: false };
const fixed64s: Field = { perByte: 5, once: listBytes, isElement: false };
const opaque: Field = { perByte: 1, once: 200, isElement: false };

/** `fields` by their numbers. */
function message(objectBytes: number, fields: Readonly<Record<number, Field>>): Schema {
  const most = Math.max(0, ...Object.keys(fields).map(Number));
  return { objectBytes, fields: Array.from({ length: most + 1 }, (_, number) => fields[number]) };
}

// Fields 2 to 5 of a sample are lists in some version of the protocol.
const sample = message(80, { 2: varints, 3: varints, 4: varints, 5: fixed64s });
const profile = message(400, {
  2: { schema: sample },
  7: opaque,
  8: opaque,
  9: text,
  10: opaque,
  11: indices,
  12: indices,
});
const scopeProfiles = message(80 + 2 * listBytes, { 1: attributes, 2: { schema: profile }, 3: text });
const resourceProfiles = message(80 + 2 * listBytes, { 1: attributes, 2: { schema: scopeProfiles }, 3: text });
const dictionary = message(0, {
  1: { schema: message(160, { 5: indices }) },
  2: { schema: message(100, { 3: { schema: message(110, {}) }, 4: indices }) },
  3: { schema: message(100, {}) },
  4: { schema: message(60, { 1: opaque, 2: opaque }) },
  5: text,
  6: { schema: message(80, { 2: attributes }) },
  7: { schema: message(50, { 1: indices }) },
});
const request = message(0, { 1: { schema: resourceProfiles }, 2: { schema: dictionary } });

/** An element with all of its fields once, as a scanned message has them: at most those of a profile. */
const mostElementBytes = 1_800;
const mostDecodedBytesAByte = 26;

/** Bound of `decodedBytes` for a message that its scan found sound, by the `elements` that the scan has counted. */
export function mostDecoded(elements: number, sizeBytes: number): number {
  return elements * mostElementBytes + sizeBytes * mostDecodedBytesAByte;
}

class ProtobufSurvey {
  elements = 0;
  decodedBytes = 0;
  readonly #bytes: Uint8Array;
  readonly #mostElements: number;

  constructor(bytes: Uint8Array, mostElements: number) {
    this.#bytes = bytes;
    this.#mostElements = mostElements;
  }

  message({ objectBytes, fields }: Schema, start: number, end: number): void {
    this.decodedBytes += objectBytes;
    const bytes = this.#bytes;
    for (let p = start; p < end && this.elements <= this.#mostElements; ) {
      // Of a field number above 15 the first byte of the tag, which is none of `fields`.
      const tag = bytes[p]!;
      p = tag < 0x80 ? p + 1 : this.#afterVarint(p, end);
      if ((tag & 7) !== 2) {
        // A number that is not packed may be one of a list.
        if (tag >>> 3 < fields.length) this.decodedBytes += listElementBytes + 24;
        p = skipped(tag & 7, p, this.#afterVarint(p, end));
        continue;
      }
      let size = bytes[p]!;
      const sizeStart = p++;
      if (size >= 0x80) {
        size = this.#varint(sizeStart, end);
        p = this.#afterVarint(sizeStart, end);
      }
      if (!(p + size <= end)) return;
      const field = tag < 0x80 ? fields[tag >>> 3] : undefined;
      if (field !== undefined) this.#count(field, p, p + size);
      p += size;
    }
  }

  #count(field: Field, start: number, end: number): void {
    if ('schema' in field) {
      this.elements++;
      this.decodedBytes += listElementBytes;
      // Lines and functions, most of the elements, have numbers alone, which cost nothing more.
      if (field.schema.fields.length > 1) this.message(field.schema, start, end);
      else this.decodedBytes += field.schema.objectBytes;
      return;
    }
    if (field.isElement) this.elements++;
    this.decodedBytes += field.once + field.perByte * (end - start);
  }

  #varint(start: number, end: number): number {
    let value = 0;
    let scale = 1;
    for (let p = start; p < end && p < start + 10; p++) {
      value += (this.#bytes[p]! & 0x7f) * scale;
      if (this.#bytes[p]! < 0x80) return value;
      scale *= 128;
    }
    return Number.NaN;
  }

  #afterVarint(start: number, end: number): number {
    let p = start;
    while (p < end && this.#bytes[p]! >= 0x80) p++;
    return p + 1;
  }
}

/** The position after a value that begins at `start`, and that ends at `varintEnd` if it is a varint. Groups are ended by the decoder's fault. */
function skipped(wireType: number, start: number, varintEnd: number): number {
  if (wireType === 0) return varintEnd;
  if (wireType === 1) return start + 8;
  return wireType === 5 ? start + 4 : start;
}
