import type { KeyValue, Profile, ResourceProfiles, ScopeProfiles } from '../../otlp/profiles-data.ts';
import { noElements } from '../../otlp/profiles-data.ts';
import { encodeResourceProfiles, encodeScopeProfiles } from '../../otlp/protobuf/encode-profiles-data.ts';
import { ProtobufWriter } from '../../otlp/protobuf/protobuf-writer.ts';

/**
 * Contents by resource and scope, while requests are joined: equal resources are there once, and so are equal scopes
 * within them. Order is that of first appearance.
 */
export class ResourceTree<Content> {
  readonly #resources = new Joined<ResourceProfiles, Joined<ScopeProfiles, Content>>();
  readonly #writer = new ProtobufWriter(1024);
  #keyBytes = 0;

  /** Bytes of memory of the heads of resources and scopes, about. */
  get sizeBytes(): number {
    return headFactor * this.#keyBytes;
  }

  /** Content of a scope of a resource. */
  get(resource: ResourceProfiles, scope: ScopeProfiles, create: () => Content): Content {
    const scopes = this.#get(
      this.#resources,
      resourceKey(this.#writer, resource),
      withoutScopes(resource),
      () => new Joined(),
    );
    return this.#get(scopes, scopeKey(this.#writer, scope), { ...scope, profiles: noElements }, create);
  }

  /** Contents of all scopes. */
  *contents(): Generator<Content, void, undefined> {
    for (const scopes of this.#resources.contents()) yield* scopes.contents();
  }

  build(profilesOf: (content: Content) => Profile[]): ResourceProfiles[] {
    return this.#resources.map((resource, scopes) => ({
      ...resource,
      scopeProfiles: scopes.map((scope, content) => ({ ...scope, profiles: profilesOf(content) })),
    }));
  }

  #get<Head, T>(joined: Joined<Head, T>, key: string, head: Head, create: () => T): T {
    return joined.get(key, head, () => {
      this.#keyBytes += key.length;
      return create();
    });
  }
}

/** Memory of a head by the bytes of its key: the key itself, and attributes as objects. */
const headFactor = 8;

/** Contents of equal heads, under the first of them. */
class Joined<Head, Content> {
  readonly #byKey = new Map<string, { readonly head: Head; readonly content: Content }>();

  get(key: string, head: Head, create: () => Content): Content {
    const known = this.#byKey.get(key);
    if (known !== undefined) return known.content;
    const content = create();
    this.#byKey.set(key, { head, content });
    return content;
  }

  *contents(): Generator<Content, void, undefined> {
    for (const { content } of this.#byKey.values()) yield content;
  }

  map<T>(transform: (head: Head, content: Content) => T): T[] {
    return Array.from(this.#byKey.values(), ({ head, content }) => transform(head, content));
  }
}

function withoutScopes(entry: ResourceProfiles): ResourceProfiles {
  return { ...entry, scopeProfiles: noElements };
}

/** Resources are equal when their bytes are, with attributes in order. */
function resourceKey(writer: ProtobufWriter, entry: ResourceProfiles): string {
  const resource = { ...entry.resource, attributes: sorted(entry.resource.attributes) };
  writer.rewind(0);
  encodeResourceProfiles(writer, { ...withoutScopes(entry), resource });
  return writer.latin1();
}

function scopeKey(writer: ProtobufWriter, entry: ScopeProfiles): string {
  const scope = { ...entry.scope, attributes: sorted(entry.scope.attributes) };
  writer.rewind(0);
  encodeScopeProfiles(writer, { ...entry, scope, profiles: noElements });
  return writer.latin1();
}

function sorted(attributes: readonly KeyValue[]): readonly KeyValue[] {
  return attributes.length < 2
    ? attributes
    : [...attributes].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}
