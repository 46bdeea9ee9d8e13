import type { KeyValue, Resource } from '../profiles-data.ts';
import { noElements } from '../profiles-data.ts';
import { createContext } from '../protobuf/decode-attributes.ts';
import { readResource } from '../protobuf/decode-profiles-data.ts';
import { attributesKey, encodeAttributes } from '../protobuf/encode-attributes.ts';
import { ProtobufReader } from '../protobuf/protobuf-reader.ts';
import { ProtobufWriter } from '../protobuf/protobuf-writer.ts';
import { StringReferences } from '../string-references.ts';
import { PairHash } from './pair-hash.ts';

/** A power of two: processes and pods of a node. */
const mostResources = 4096;
/** Larger resources are not kept: together, 8 MiB of bytes at most. */
const mostBytes = 2048;

/** Attributes as they are written. */
interface WrittenAttributes {
  /** Equal for equal attributes, in whatever order they are. */
  readonly key: string;
  /** Fields 1 of a `Resource`. */
  readonly fields: Uint8Array;
}

/**
 * Resources of the last requests, by their bytes: senders repeat the resources of most processes in every request. A resource that
 * comes again is the same object, so that what was found out about its attributes can be kept with them.
 */
export class KnownResources {
  readonly #hash = new PairHash();
  readonly #entries: ({ readonly bytes: Buffer; readonly resource: Resource } | undefined)[] = [];
  readonly #written = new WeakMap<readonly KeyValue[], WrittenAttributes>();
  readonly #scratch = new ProtobufWriter(1024);

  /** Decodes the `Resource` between `start` and `end`, whose attributes are inline; nobody may change it. */
  decode(bytes: Uint8Array, view: DataView, start: number, end: number): Resource {
    const sizeBytes = end - start;
    if (sizeBytes > mostBytes) return decodeResource(bytes.subarray(start, end));
    const hash = this.#hash;
    hash.start(sizeBytes);
    hash.bytes(bytes, view, start, end);
    const place = (hash.a ^ hash.b) & (mostResources - 1);
    const known = this.#entries[place];
    if (known?.bytes.length === sizeBytes && known.bytes.compare(bytes, start, end) === 0) return known.resource;
    // `Buffer.from` would take them from Node.js's pool, 64 KiB of which every resource would then keep.
    const own = Buffer.allocUnsafeSlow(sizeBytes);
    own.set(bytes.subarray(start, end));
    const resource = decodeResource(own);
    this.#entries[place] = { bytes: own, resource };
    return resource;
  }

  /** Attributes as they are written, kept for as long as the list is. */
  write(attributes: readonly KeyValue[]): WrittenAttributes {
    const known = this.#written.get(attributes);
    if (known !== undefined) return known;
    const scratch = this.#scratch;
    const key = attributesKey(scratch, attributes);
    encodeAttributes(scratch, 1, attributes);
    const fields = scratch.finish().slice();
    scratch.rewind(0);
    const written = { key, fields };
    this.#written.set(attributes, written);
    return written;
  }
}

function decodeResource(bytes: Uint8Array): Resource {
  const draft = { attributes: noElements, droppedAttributesCount: 0 };
  readResource(new ProtobufReader(bytes, createContext(new StringReferences(() => noElements))), draft);
  return draft;
}
