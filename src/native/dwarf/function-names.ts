import type { ByteCursor } from '../elf/byte-cursor.ts';
import { UnreadableBytes } from '../elf/byte-source.ts';
import type { DwarfData, DwarfUnit } from './dwarf-data.ts';
import { textOf } from './dwarf-data.ts';
import type { FormValue } from './forms.ts';
import { attributes, forms, readValue, sizeOfForm, skipValue } from './forms.ts';
import type { UnitIndex } from './unit-index.ts';

/** Names and line that an entry gives its function; absent texts are empty, an absent line is 0. */
export interface FunctionName {
  readonly linkageName: string;
  readonly name: string;
  readonly declarationLine: number;
}

/** From an entry to its abstract one, to its declaration: three in real programs. */
const maxHops = 16;
const maxKept = 8192;

/** Names of functions by their entries, through abstract origins and specifications, also in other units. */
export class FunctionNames {
  readonly #data: DwarfData;
  readonly #index: UnitIndex;
  readonly #alternate: UnitIndex | undefined;
  readonly #names = new Map<number, FunctionName>();

  constructor(data: DwarfData, index: UnitIndex, alternate: UnitIndex | undefined) {
    this.#data = data;
    this.#index = index;
    this.#alternate = alternate;
  }

  /** @throws UnreadableBytes */
  nameOf(unit: DwarfUnit, entry: number): FunctionName {
    const known = this.#names.get(entry);
    if (known !== undefined) return known;
    const name = this.#follow(unit, entry);
    if (this.#names.size === maxKept) this.#names.clear();
    this.#names.set(entry, name);
    return name;
  }

  #follow(unit: DwarfUnit, entry: number): FunctionName {
    let position: EntryPosition | undefined = { unit, offset: entry };
    const found = { linkageName: '', name: '', declarationLine: 0 };
    for (let hop = 0; position !== undefined && hop < maxHops; hop++) {
      const parts: NameParts = readNameParts(position);
      found.linkageName ||= textOf(position.unit, parts.linkageName) ?? '';
      found.name ||= textOf(position.unit, parts.name) ?? '';
      found.declarationLine ||= parts.declarationLine;
      if (found.linkageName !== '' && found.declarationLine !== 0) break;
      position = parts.reference && this.#positionOf(position.unit, parts.reference);
    }
    return found;
  }

  /** The entry that a reference leads to; `undefined` for one into a file that is not there. */
  #positionOf(unit: DwarfUnit, { form, value }: FormValue): EntryPosition | undefined {
    if (form === forms.gnuRefAlt || form === forms.refSup4 || form === forms.refSup8) {
      const { alternate } = this.#data;
      return alternate && this.#alternate && positionIn(alternate, this.#alternate, value);
    }
    if (form === forms.refSig8) return undefined;
    if (form !== forms.refAddress) return { unit, offset: unit.offset + value };
    // The alternate file refers to itself.
    return positionIn(unit.data, unit.data === this.#data ? this.#index : (this.#alternate ?? this.#index), value);
  }
}

interface EntryPosition {
  readonly unit: DwarfUnit;
  readonly offset: number;
}

function positionIn(data: DwarfData, index: UnitIndex, offset: number): EntryPosition {
  const around = index.unitAround(offset);
  if (around < 0) throw new UnreadableBytes(`no unit holds the entry at ${offset}`);
  return { unit: data.unitAt(around), offset };
}

interface NameParts {
  linkageName: FormValue | undefined;
  name: FormValue | undefined;
  reference: FormValue | undefined;
  declarationLine: number;
}

function readNameParts({ unit, offset }: EntryPosition): NameParts {
  if (offset < unit.firstEntry || offset >= unit.end) {
    throw new UnreadableBytes(`the entry at ${offset} lies outside of its unit`);
  }
  const cursor = unit.data.cursor('info');
  cursor.seek(offset, unit.end);
  const code = cursor.uleb();
  const parts: NameParts = { linkageName: undefined, name: undefined, reference: undefined, declarationLine: 0 };
  if (code === 0) return parts;
  const { attributes: names, forms: formList, implicit } = unit.abbreviations.get(code);
  for (let i = 0; i < names.length; i++) {
    const attribute = names[i]!;
    const form = formList[i]!;
    if (!isWanted(attribute)) skipValue(cursor, sizeOfForm(form, unit), unit);
    else keep(parts, attribute, readForm(cursor, form, implicit[i]!, unit));
  }
  return parts;
}

function isWanted(attribute: number): boolean {
  switch (attribute) {
    case attributes.name:
    case attributes.linkageName:
    case attributes.mipsLinkageName:
    case attributes.abstractOrigin:
    case attributes.specification:
    case attributes.declarationLine:
      return true;
    default:
      return false;
  }
}

function readForm(cursor: ByteCursor, form: number, implicit: number, unit: DwarfUnit): FormValue {
  const value = { form: 0, value: 0 };
  readValue(cursor, form, implicit, unit, value);
  return value;
}

function keep(parts: NameParts, attribute: number, value: FormValue): void {
  switch (attribute) {
    case attributes.name:
      parts.name = value;
      return;
    case attributes.linkageName:
    case attributes.mipsLinkageName:
      parts.linkageName = value;
      return;
    case attributes.declarationLine:
      parts.declarationLine = value.value >= 0 && value.value < 2 ** 32 ? value.value : 0;
      return;
    default:
      // An entry with both refers to its abstract origin first.
      if (attribute === attributes.abstractOrigin || parts.reference === undefined) parts.reference = value;
  }
}
