import type { Steps } from '../../support/steps.ts';
import type { KeyValue, Resource } from '../profiles-data.ts';
import type { ResourceContext, ResourceEditor, SampleFilter } from '../resource-edit.ts';
import { tables } from './dictionary-columns.ts';
import type { KnownResources } from './known-resources.ts';
import type { PassableProfiles } from './passable-scanner.ts';
import type { NewResource } from './resource-spans.ts';
import { ResourceSpans } from './resource-spans.ts';
import { TextColumns } from './text-columns.ts';

/** A message with edited resources. */
export interface EditedResources {
  /** In their order; the message itself where nothing changes. */
  readonly pieces: readonly Uint8Array[];
  /** Of a large message alone. */
  readonly dropped: readonly { readonly by: string; readonly samples: number }[];
  /** Filters of samples, by resource of these bytes, which still have all samples; of a large message alone. Absent: none. */
  readonly filters?: readonly (readonly SampleFilter[] | undefined)[];
}

/** Attributes are decoded at a fraction of a microsecond each. */
const resourcesAStep = 32;

/**
 * Edits the resources of a passable message around the bytes of its samples, once its references are inlined. `undefined` where a
 * resource or a sample may be dropped, or two resources become equal: then the dictionary has to be written anew. A message that
 * `isLarge` is not: equal resources stay two, and entries of the dictionary stay that a dropped resource used; its
 * samples are left for the filters.
 */
export function* editResources(
  bytes: Uint8Array,
  editor: ResourceEditor,
  context: ResourceContext,
  known: KnownResources,
  isLarge = false,
): Steps<EditedResources | undefined> {
  const spans = new ResourceSpans(bytes);
  const resources = yield* decodeResources(bytes, spans, known);
  const edited = editor.edit(
    resources.map(({ attributes }) => attributes),
    context,
  );
  const changed: NewResource[] = [];
  const keys = new Set<string>();
  const dropped: { by: string; samples: number }[] = [];
  const filters: (readonly SampleFilter[] | undefined)[] = [];
  let isChanged = false;
  for (let i = 0; i < spans.count; i++) {
    if (i % resourcesAStep === resourcesAStep - 1) yield;
    const outcome = edited[i]!;
    if (outcome.kind === 'dropped') {
      if (!isLarge) return undefined;
      dropped.push({ by: outcome.by, samples: yield* spans.countSamples(i) });
      changed.push('dropped');
      isChanged = true;
      continue;
    }
    if (outcome.samples !== undefined && !isLarge) return undefined;
    filters.push(outcome.samples);
    const { attributes } = outcome;
    const { key, fields } = known.write(attributes);
    keys.add(key);
    const { droppedAttributesCount, attributes: before } = resources[i]!;
    const isKept = attributes === before;
    isChanged ||= !isKept;
    changed.push(isKept ? undefined : { fields, droppedAttributesCount });
  }
  const left = filters.some((each) => each !== undefined) ? { filters } : {};
  if (!isChanged) return { pieces: [bytes], dropped, ...left };
  if (keys.size < spans.count && !isLarge) return undefined;
  return { pieces: yield* spans.write(changed), dropped, ...left };
}

/** Attributes of the resources of a passable message whose references are inlined. */
export function* attributesOfResources(
  bytes: Uint8Array,
  known: KnownResources,
): Steps<readonly (readonly KeyValue[])[]> {
  const resources = yield* decodeResources(bytes, new ResourceSpans(bytes), known);
  return resources.map(({ attributes }) => attributes);
}

function* decodeResources(bytes: Uint8Array, spans: ResourceSpans, known: KnownResources): Steps<Resource[]> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const resources: Resource[] = [];
  for (let index = 0; index < spans.count; index++) {
    if (index % resourcesAStep === resourcesAStep - 1) yield;
    resources.push(known.decode(bytes, view, spans.resourceBodyStart(index), spans.resourceEnd(index)));
  }
  return resources;
}

/** Tells a key among those of the message's dictionary, which are attributes of samples, mappings, locations and profiles. */
export function hasAttributeKey(profiles: PassableProfiles, key: string): boolean {
  const { attributeKey, counts } = profiles.columns;
  const text = new TextColumns(profiles).indexOf(key);
  if (text < 0) return false;
  const place = attributeKey.indexOf(text, 1);
  return place > 0 && place < counts[tables.attribute]!;
}
