import type { Steps } from '../../support/steps.ts';
import type { KeyValue, Resource } from '../profiles-data.ts';
import { ProtobufWriter } from '../protobuf/protobuf-writer.ts';
import type { ResourceContext, ResourceEditor } from '../resource-edit.ts';
import { ByteWalk } from './byte-walk.ts';
import type { Edit } from './edits.ts';
import { writeEdited } from './edits.ts';
import type { KnownResources } from './known-resources.ts';
import type { PassableProfiles } from './passable-scanner.ts';
import { tables } from './table-scan.ts';
import { TextColumns } from './text-columns.ts';

/** A length-delimited field: its tag, its message, and the end of both. */
interface Place {
  readonly start: number;
  readonly bodyStart: number;
  readonly end: number;
}

/** An entry of `resource_profiles`, and the resource in it. */
interface FoundResource {
  readonly entry: Place;
  readonly resource: Place;
}

/** A message with edited resources. */
export interface EditedResources {
  /** The message itself where nothing changes. */
  readonly bytes: Uint8Array;
  /** Of a large message alone. */
  readonly dropped: readonly { readonly by: string; readonly samples: number }[];
}

/** Attributes are decoded at a fraction of a microsecond each. */
const resourcesAStep = 32;

/**
 * Edits the resources of a passable message around the bytes of its samples, once its references are inlined. `undefined` where a
 * resource or a sample may be dropped, or two resources become equal: then the dictionary has to be written anew. A message that
 * `isLarge` is not: equal resources stay two, and entries of the dictionary stay that a dropped resource used; `undefined` where
 * samples may be dropped.
 */
export function* editResources(
  bytes: Uint8Array,
  editor: ResourceEditor,
  context: ResourceContext,
  known: KnownResources,
  isLarge = false,
): Steps<EditedResources | undefined> {
  const found = findResources(bytes);
  const resources = yield* decodeResources(bytes, found, known);
  const edited = editor.edit(
    resources.map(({ attributes }) => attributes),
    context,
  );
  const edits: Edit[] = [];
  const keys = new Set<string>();
  const dropped: { by: string; samples: number }[] = [];
  let sizeBytes = bytes.length;
  for (let i = 0; i < found.length; i++) {
    if (i % resourcesAStep === resourcesAStep - 1) yield;
    const outcome = edited[i]!;
    const { entry, resource } = found[i]!;
    if (outcome.kind === 'dropped') {
      if (!isLarge) return undefined;
      dropped.push({ by: outcome.by, samples: yield* countSamplesIn(bytes, entry) });
      edits.push({ ...entry, write: () => undefined });
      continue;
    }
    if (outcome.samples !== undefined) return undefined;
    const { attributes } = outcome;
    const { key, fields } = known.write(attributes);
    keys.add(key);
    const { droppedAttributesCount, attributes: before } = resources[i]!;
    if (attributes === before) continue;
    const write = (writer: ProtobufWriter): void => {
      const mark = writer.length;
      writer.uint32(2, droppedAttributesCount);
      writer.copy(fields);
      writer.message(1, mark);
    };
    sizeBytes += fields.length + 16;
    edits.push({ ...entry, field: 1, edits: [{ start: resource.start, end: resource.end, write }] });
  }
  if (edits.length === 0) return { bytes, dropped };
  if (keys.size < found.length && !isLarge) return undefined;
  const writer = new ProtobufWriter(sizeBytes);
  yield* writeEdited(writer, bytes, [0, bytes.length], edits);
  return { bytes: yield* writer.finishInSteps(), dropped };
}

/** Attributes of the resources of a passable message whose references are inlined. */
export function* attributesOfResources(
  bytes: Uint8Array,
  known: KnownResources,
): Steps<readonly (readonly KeyValue[])[]> {
  const resources = yield* decodeResources(bytes, findResources(bytes), known);
  return resources.map(({ attributes }) => attributes);
}

function* decodeResources(
  bytes: Uint8Array,
  found: readonly FoundResource[],
  known: KnownResources,
): Steps<Resource[]> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const resources: Resource[] = [];
  for (const [index, { resource }] of found.entries()) {
    if (index % resourcesAStep === resourcesAStep - 1) yield;
    resources.push(known.decode(bytes, view, resource.bodyStart, resource.end));
  }
  return resources;
}

/** Samples of an entry of `resource_profiles`. */
function* countSamplesIn(bytes: Uint8Array, { bodyStart, end }: Place): Steps<number> {
  const walk = new ByteWalk();
  walk.start(bytes);
  walk.position = bodyStart;
  let samples = 0;
  /** Ends of the messages around the place, the outermost first. */
  const ends = [end];
  for (let field = 1; ends.length > 0; field++) {
    if (field % fieldsAStep === 0) yield;
    const bodyEnd = ends.at(-1)!;
    if (walk.position >= bodyEnd) {
      ends.pop();
      continue;
    }
    const tag = walk.tag();
    if ((tag & 7) === 1) walk.skip(8, bodyEnd);
    else if ((tag & 7) === 0) walk.words(bodyEnd);
    else {
      const fieldEnd = walk.fieldEnd(bodyEnd);
      if (tag === 0x12 && ends.length <= depthOfSamples) {
        ends.push(fieldEnd);
        continue;
      }
      if (tag === 0x12) samples++;
      walk.position = fieldEnd;
    }
  }
  return samples;
}

/** A field is passed over in some 20 ns. */
const fieldsAStep = 4096;

/** Scopes, profiles and samples have field 2 of the messages around them. */
const depthOfSamples = 2;

/** Tells a key among those of the message's dictionary, which are attributes of samples, mappings, locations and profiles. */
export function hasAttributeKey(profiles: PassableProfiles, key: string): boolean {
  const { attributeKey, counts } = profiles.columns;
  const text = new TextColumns(profiles).indexOf(key);
  if (text < 0) return false;
  const place = attributeKey.indexOf(text, 1);
  return place > 0 && place < counts[tables.attribute]!;
}

/** The entries of `resource_profiles`, each with the place of its resource: a scanned message has one in each. */
function findResources(bytes: Uint8Array): FoundResource[] {
  const found: FoundResource[] = [];
  const walk = new ByteWalk();
  walk.start(bytes);
  while (walk.position < bytes.length) {
    const { tag, ...entry } = nextField(walk, bytes.length);
    if (tag === 0x0a) {
      walk.position = entry.bodyStart;
      while (walk.position < entry.end) {
        const { tag: inner, ...resource } = nextField(walk, entry.end);
        if (inner === 0x0a) found.push({ entry, resource });
      }
    }
  }
  return found;
}

/** Passes over a length-delimited field; a scanned message has no other ones around its resources. */
function nextField(walk: ByteWalk, end: number): Place & { readonly tag: number } {
  const start = walk.position;
  const tag = walk.tag();
  const fieldEnd = walk.fieldEnd(end);
  const bodyStart = walk.position;
  walk.position = fieldEnd;
  return { tag, start, bodyStart, end: fieldEnd };
}
