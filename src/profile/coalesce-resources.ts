import { encodeAttributes } from '../otlp/encode-attributes.ts';
import type { KeyValue, Profile, ResourceProfiles, ScopeProfiles } from '../otlp/profiles-data.ts';
import { ProtobufWriter } from '../otlp/protobuf-writer.ts';

/** One entry for each different resource, and below it one for each different scope; what has no profiles is left out. */
export function coalesceResources(list: readonly ResourceProfiles[]): ResourceProfiles[] {
  const resources = new Map<
    string,
    ResourceProfiles & { scopes: Map<string, ScopeProfiles & { profiles: Profile[] }> }
  >();
  for (const entry of list) {
    const { resource, schemaUrl, scopeProfiles } = entry;
    const key = `${resource.droppedAttributesCount} ${schemaUrl} ${attributesKey(resource.attributes)}`;
    for (const scopeEntry of scopeProfiles) {
      if (scopeEntry.profiles.length === 0) continue;
      const known = resources.get(key) ?? { ...entry, scopes: new Map() };
      resources.set(key, known);
      const scope = scopeKey(scopeEntry);
      const same = known.scopes.get(scope);
      if (same === undefined) known.scopes.set(scope, { ...scopeEntry, profiles: [...scopeEntry.profiles] });
      else for (const profile of scopeEntry.profiles) same.profiles.push(profile);
    }
  }
  return [...resources.values()].map(({ resource, schemaUrl, scopes }) => {
    return { resource, scopeProfiles: [...scopes.values()], schemaUrl };
  });
}

function scopeKey({ scope, schemaUrl }: ScopeProfiles): string {
  const { name, version, attributes, droppedAttributesCount } = scope;
  return JSON.stringify([name, version, droppedAttributesCount, schemaUrl, attributesKey(attributes)]);
}

/** Attributes are a set: their order makes no difference. */
function attributesKey(attributes: readonly KeyValue[]): string {
  const keys = attributes.map((attribute) => {
    const writer = new ProtobufWriter(128);
    encodeAttributes(writer, 1, [attribute]);
    return Buffer.from(writer.finish()).toString('latin1');
  });
  return JSON.stringify(keys.sort());
}
