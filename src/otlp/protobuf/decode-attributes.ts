import type { AnyValue, Draft, KeyValue } from '../profiles-data.ts';
import { noElements } from '../profiles-data.ts';
import { SampleColumns } from '../sample-columns.ts';
import type { StringReferences } from '../string-references.ts';
import type { ProtobufReader } from './protobuf-reader.ts';

export type ProfilesReader = ProtobufReader<ProfilesContext>;

export interface ProfilesContext {
  readonly references: StringReferences;
  /** All samples of the message. */
  readonly samples: SampleColumns;
  /** Samples with fields in the wire types of another version of the protocol, by their number in the message. */
  readonly misnumberedSamples: Set<number>;
}

export function createContext(references: StringReferences): ProfilesContext {
  return { references, samples: new SampleColumns(), misnumberedSamples: new Set() };
}

/** A value while it is read: a later member of the oneof takes the place of an earlier one. */
export interface ValueDraft {
  value: AnyValue;
}

export function newKeyValue(): Draft<KeyValue> {
  return { key: '', value: undefined };
}

export function readKeyValue(reader: ProfilesReader, draft: Draft<KeyValue>): void {
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    switch (tag) {
      case 0x0a:
        draft.key = reader.text();
        break;
      case 0x12:
        reader.message('value', draft, readValue);
        break;
      case 0x18: {
        const index = reader.int32();
        if (index !== 0) draft.key = reader.context.references.textAt('key_strindex', index);
        break;
      }
      default:
        reader.skip();
    }
  }
}

/** Reads an `AnyValue`; where it holds no value the draft keeps what it has. */
export function readValue(reader: ProfilesReader, draft: ValueDraft): void {
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    switch (tag) {
      case 0x0a:
        draft.value = reader.text();
        break;
      case 0x10:
        draft.value = reader.bool();
        break;
      case 0x18:
        draft.value = reader.int64();
        break;
      case 0x21:
        draft.value = reader.double();
        break;
      case 0x2a: {
        const list = { values: noElements as readonly AnyValue[] };
        reader.message('array_value', list, readArray);
        draft.value = list.values;
        break;
      }
      case 0x32: {
        const list = { entries: noElements as readonly KeyValue[] };
        reader.message('kvlist_value', list, readKeyValueList);
        draft.value = list;
        break;
      }
      case 0x3a:
        draft.value = reader.bytes();
        break;
      case 0x40: {
        const index = reader.int32();
        // A member of a oneof that is there is set, also when it is 0: the Collector writes empty text so.
        draft.value = index === 0 ? '' : reader.context.references.textAt('string_value_strindex', index);
        break;
      }
      default:
        reader.skip();
    }
  }
}

function readArray(reader: ProfilesReader, draft: { values: readonly AnyValue[] }): void {
  const items: AnyValue[] = [];
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (tag === 0x0a) {
      const item: ValueDraft = { value: undefined };
      reader.message(`values[${items.length}]`, item, readValue);
      items.push(item.value);
    } else {
      reader.skip();
    }
  }
  draft.values = items;
}

function readKeyValueList(reader: ProfilesReader, draft: { entries: readonly KeyValue[] }): void {
  for (let tag = reader.nextTag(); tag !== 0; tag = reader.nextTag()) {
    if (tag === 0x0a) draft.entries = reader.element('values', draft.entries, newKeyValue(), readKeyValue);
    else reader.skip();
  }
}
