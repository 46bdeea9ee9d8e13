// hot

import type { FunctionColumns } from '../../otlp/function-columns.ts';
import { functionColumnsOf } from '../../otlp/function-columns.ts';
import type { LocationColumns } from '../../otlp/location-columns.ts';
import { lineWords, locationColumnsOf } from '../../otlp/location-columns.ts';
import type { Profile, ProfilesDictionary, Table, ValueType } from '../../otlp/profiles-data.ts';
import type { SampleColumns } from '../../otlp/sample-columns.ts';
import { columnsOf } from '../../otlp/sample-columns.ts';
import type { StackColumns } from '../../otlp/stack-columns.ts';
import { stackColumnsOf } from '../../otlp/stack-columns.ts';
import type { IndexLists } from '../../support/index-lists.ts';
import { isZeroAttribute, isZeroFunction, isZeroLink, isZeroLocation, isZeroMapping } from './check-tables.ts';
import { tableNames } from './references.ts';

const unknown = 0;
const sound = 1;
const faulty = 2;

/**
 * Tells which profiles of a message can be used: those whose indices, and all indices that these lead to, point into
 * their tables, and whose IDs have their lengths. An entry of a table is looked at once, when the first profile needs it; a faulty
 * one that no profile uses harms nobody. Index 0 is right in an empty table too: it means "none".
 */
export class ReferenceCheck {
  readonly #dictionary: ProfilesDictionary;
  readonly #stacks: StackColumns;
  readonly #locations: LocationColumns;
  readonly #functions: FunctionColumns;
  readonly #states: Readonly<Record<Table, Uint8Array>>;
  readonly #faults = new Map<string, string>();

  constructor(dictionary: ProfilesDictionary) {
    this.#dictionary = dictionary;
    this.#stacks = stackColumnsOf(dictionary.stackTable);
    this.#locations = locationColumnsOf(dictionary.locationTable);
    this.#functions = functionColumnsOf(dictionary.functionTable);
    const states = (table: Table): Uint8Array => new Uint8Array(Math.max(1, dictionary[table].length));
    this.#states = {
      mappingTable: states('mappingTable'),
      locationTable: states('locationTable'),
      functionTable: states('functionTable'),
      linkTable: states('linkTable'),
      stringTable: states('stringTable'),
      attributeTable: states('attributeTable'),
      stackTable: states('stackTable'),
    };
  }

  /** The first fault of a profile as `path: problem`, the path beginning within the profile; `undefined` when it has none. */
  faultOf(profile: Profile): string | undefined {
    const fault = this.faultBesideSamples(profile);
    if (fault !== undefined) return fault;
    const { columns, first, length } = columnsOf(profile.samples);
    for (let i = 0; i < length; i++) {
      const sampleFault = this.faultOfSample(columns, first + i);
      if (sampleFault !== undefined) return `samples[${i}]: ${sampleFault}`;
    }
    return undefined;
  }

  /** Like `faultOf`, of what all samples of the profile share. */
  faultBesideSamples(profile: Profile): string | undefined {
    if (profile.profileId.length !== 0 && profile.profileId.length !== 16) {
      return `profile_id: has ${profile.profileId.length} bytes, must have 16 or none`;
    }
    return (
      this.#valueType('sample_type', profile.sampleType) ??
      this.#valueType('period_type', profile.periodType) ??
      this.#list('attributeTable', 'attribute_indices', profile.attributeIndices)
    );
  }

  /** The first fault of a sample, the path beginning within the sample. */
  faultOfSample(columns: SampleColumns, index: number): string | undefined {
    return (
      this.#reference('stackTable', 'stack_index', columns.stack(index)) ??
      this.#attributesOfSample(columns, index) ??
      this.#reference('linkTable', 'link_index', columns.link(index))
    );
  }

  #attributesOfSample(columns: SampleColumns, index: number): string | undefined {
    const start = columns.attributesStart(index);
    return this.#list('attributeTable', 'attribute_indices', columns.attributes, start, columns.attributesEnd(index));
  }

  #valueType(name: string, { typeStrindex, unitStrindex }: ValueType): string | undefined {
    const fault =
      this.#reference('stringTable', 'type_strindex', typeStrindex) ??
      this.#reference('stringTable', 'unit_strindex', unitStrindex);
    return fault === undefined ? undefined : `${name}: ${fault}`;
  }

  #list(
    table: Table,
    name: string,
    indices: ArrayLike<number>,
    start = 0,
    end: number = indices.length,
  ): string | undefined {
    for (let i = start; i < end; i++) {
      const fault = this.#reference(table, name, indices[i]!);
      if (fault !== undefined) return fault.replace(name, `${name}[${i - start}]`);
    }
    return undefined;
  }

  /** The fault of the entry at `index`, as seen from the field `name`. */
  #reference(table: Table, name: string, index: number): string | undefined {
    const states = this.#states[table];
    const state = states[index];
    if (state === sound) return undefined;
    if (state === undefined) {
      return `${name}: index ${index} is out of range [0..${this.#dictionary[table].length})`;
    }
    const key = `${tableNames[table]}[${index}]`;
    let fault: string | undefined;
    if (state === unknown) {
      fault = index === 0 ? this.#head(table) : this.#entry(table, index);
      states[index] = fault === undefined ? sound : faulty;
      if (fault === undefined) return undefined;
      this.#faults.set(key, fault);
    } else fault = this.#faults.get(key)!;
    return `${name}: dictionary: ${key}: ${fault}`;
  }

  /** Entry 0 stands for "none" wherever a field is not set; one that says something would be taken for a reference. */
  #head(table: Table): string | undefined {
    const dictionary = this.#dictionary;
    if (dictionary[table].length === 0 || isZeroHead(dictionary, table)) return undefined;
    return 'is not the zero value, which index 0 stands for';
  }

  #entry(table: Table, index: number): string | undefined {
    const dictionary = this.#dictionary;
    switch (table) {
      case 'stringTable':
        return undefined;
      case 'stackTable':
        return this.#listOf('locationTable', 'location_indices', this.#stacks.lists, index);
      case 'locationTable':
        return this.#location(index);
      case 'mappingTable': {
        const { filenameStrindex, attributeIndices } = dictionary.mappingTable[index]!;
        return (
          this.#reference('stringTable', 'filename_strindex', filenameStrindex) ??
          this.#list('attributeTable', 'attribute_indices', attributeIndices)
        );
      }
      case 'functionTable': {
        const functions = this.#functions;
        return (
          this.#reference('stringTable', 'name_strindex', functions.name(index)) ??
          this.#reference('stringTable', 'system_name_strindex', functions.systemName(index)) ??
          this.#reference('stringTable', 'filename_strindex', functions.filename(index))
        );
      }
      case 'attributeTable': {
        const { keyStrindex, unitStrindex } = dictionary.attributeTable[index]!;
        return (
          this.#reference('stringTable', 'key_strindex', keyStrindex) ??
          this.#reference('stringTable', 'unit_strindex', unitStrindex)
        );
      }
      case 'linkTable':
        return this.#link(index);
    }
  }

  #location(index: number): string | undefined {
    const locations = this.#locations;
    const fault =
      this.#reference('mappingTable', 'mapping_index', locations.mapping(index)) ??
      this.#listOf('attributeTable', 'attribute_indices', locations.attributes, index);
    if (fault !== undefined) return fault;
    const start = locations.linesStart(index);
    for (let line = start, end = locations.linesEnd(index); line < end; line++) {
      const lineFault = this.#reference('functionTable', 'function_index', locations.lines[lineWords * line]!);
      if (lineFault !== undefined) return `lines[${line - start}]: ${lineFault}`;
    }
    return undefined;
  }

  #listOf(table: Table, name: string, lists: IndexLists, list: number): string | undefined {
    return this.#list(table, name, lists.indices, lists.start(list), lists.end(list));
  }

  #link(index: number): string | undefined {
    const { traceId, spanId } = this.#dictionary.linkTable[index]!;
    if (traceId.length !== 16 && traceId.length !== 0) return `trace_id: has ${traceId.length} bytes, must have 16`;
    if (spanId.length !== 8 && spanId.length !== 0) return `span_id: has ${spanId.length} bytes, must have 8`;
    return undefined;
  }
}

function isZeroHead(dictionary: ProfilesDictionary, table: Table): boolean {
  switch (table) {
    case 'stringTable':
      return dictionary.stringTable.at(0) === '';
    case 'stackTable':
      return dictionary.stackTable.at(0)!.locationIndices.length === 0;
    case 'locationTable':
      return isZeroLocation(dictionary.locationTable.at(0)!);
    case 'mappingTable':
      return isZeroMapping(dictionary.mappingTable[0]!);
    case 'functionTable':
      return isZeroFunction(dictionary.functionTable.at(0)!);
    case 'attributeTable':
      return isZeroAttribute(dictionary.attributeTable[0]!);
    case 'linkTable': {
      // The specification takes zero bytes for the empty message.
      const { traceId, spanId } = dictionary.linkTable[0]!;
      return isZeroLink(dictionary.linkTable[0]!) || [...traceId, ...spanId].every((byte) => byte === 0);
    }
  }
}
