import { DictionaryCopy } from './dictionary-copy.ts';
import { encodeResourceProfiles, encodeScopeProfiles } from './encode-profiles-data.ts';
import { InternedDictionary } from './interned-dictionary.ts';
import { noElements } from './no-elements.ts';
import type { KeyValue, Profile, ProfilesData, ResourceProfiles, ScopeProfiles } from './profiles-data.ts';
import { ProtobufWriter } from './protobuf-writer.ts';

/**
 * One request that says what all of them say. Dictionaries become one without duplicates or entries that nobody uses; equal
 * resources become one, and so do equal scopes within them. Profiles stay as they are: each has an ID and a time of its own.
 * Order is that of first appearance. Resources and scopes without profiles are left out. Time grows with the size of all.
 */
export function mergeProfiles(requests: readonly ProfilesData[]): ProfilesData {
  const dictionary = new InternedDictionary();
  const resources = new Joined<ResourceProfiles, Joined<ScopeProfiles, Profile[]>>();
  for (const { resourceProfiles, dictionary: source } of requests) {
    const copy = new DictionaryCopy(source, dictionary);
    for (const resource of resourceProfiles) {
      const used = resource.scopeProfiles.filter(({ profiles }) => profiles.length > 0);
      if (used.length === 0) continue;
      const scopes = resources.get(resourceKey(resource), resource, () => new Joined());
      for (const scope of used) {
        const profiles = scopes.get(scopeKey(scope), scope, () => []);
        for (const profile of scope.profiles) profiles.push(copyProfile(copy, profile));
      }
    }
  }
  const resourceProfiles = resources.map((resource, scopes) => ({
    ...resource,
    scopeProfiles: scopes.map((scope, profiles) => ({ ...scope, profiles })),
  }));
  return { resourceProfiles, dictionary: dictionary.tables };
}

function copyProfile(copy: DictionaryCopy, profile: Profile): Profile {
  const head = copy.profileHead(profile);
  return { ...head, samples: profile.samples.map((sample) => copy.sample(sample)) };
}

/** What belongs to equal things, under the first of them. */
class Joined<Head, Content> {
  readonly #byKey = new Map<string, { readonly head: Head; readonly content: Content }>();

  get(key: string, head: Head, create: () => Content): Content {
    const known = this.#byKey.get(key);
    if (known !== undefined) return known.content;
    const content = create();
    this.#byKey.set(key, { head, content });
    return content;
  }

  map<T>(transform: (head: Head, content: Content) => T): T[] {
    return Array.from(this.#byKey.values(), ({ head, content }) => transform(head, content));
  }
}

/** Two are equal when they are written alike, whatever the order of their attributes. */
function resourceKey(entry: ResourceProfiles): string {
  const resource = { ...entry.resource, attributes: sorted(entry.resource.attributes) };
  return keyOf(encodeResourceProfiles, { ...entry, resource, scopeProfiles: noElements });
}

function scopeKey(entry: ScopeProfiles): string {
  const scope = { ...entry.scope, attributes: sorted(entry.scope.attributes) };
  return keyOf(encodeScopeProfiles, { ...entry, scope, profiles: noElements });
}

function sorted(attributes: readonly KeyValue[]): readonly KeyValue[] {
  return attributes.length < 2
    ? attributes
    : [...attributes].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
}

function keyOf<T>(encode: (writer: ProtobufWriter, message: T) => void, message: T): string {
  const writer = new ProtobufWriter(1024);
  encode(writer, message);
  return writer.latin1();
}
