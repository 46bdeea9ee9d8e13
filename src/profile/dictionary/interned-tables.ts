import type { AnyValue, FunctionEntry, Link, Location, Mapping, ProfilesDictionary } from '../../otlp/profiles-data.ts';
import { InternedDictionary } from './dictionary.ts';

/** The tables of an `InternedDictionary`, each by a name of its own: a method adds an entry or finds an equal one. */
export class InternedTables {
  readonly #dictionary = new InternedDictionary();

  string(text: string): number {
    return this.#dictionary.add('stringTable', text);
  }

  attribute(key: string, value: AnyValue, unit: string): number {
    const entry = { keyStrindex: this.string(key), value, unitStrindex: this.string(unit) };
    return this.#dictionary.add('attributeTable', entry);
  }

  function(entry: FunctionEntry): number {
    return this.#dictionary.add('functionTable', entry);
  }

  mapping(entry: Mapping): number {
    return this.#dictionary.add('mappingTable', entry);
  }

  location(entry: Location): number {
    return this.#dictionary.add('locationTable', entry);
  }

  link(entry: Link): number {
    return this.#dictionary.add('linkTable', entry);
  }

  stack(locationIndices: readonly number[]): number {
    return this.#dictionary.add('stackTable', { locationIndices });
  }

  toDictionary(): ProfilesDictionary {
    return this.#dictionary.tables;
  }
}
