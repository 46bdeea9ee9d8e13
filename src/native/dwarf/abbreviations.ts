// hot
import type { Budget } from '../elf/budget.ts';
import type { ByteCursor } from '../elf/byte-cursor.ts';
import { UnreadableBytes } from '../elf/byte-source.ts';
import type { UnitSizes } from './forms.ts';
import { forms, sizeOfForm, variableSizes } from './forms.ts';

/** The shape of debugging information entries with one abbreviation code. */
export interface Abbreviation {
  readonly tag: number;
  readonly hasChildren: boolean;
  /** Parallel: attribute, form, and the value of `DW_FORM_implicit_const`. */
  readonly attributes: readonly number[];
  readonly forms: readonly number[];
  readonly implicit: readonly number[];
  /** Sizes to skip in order, as `sizeOfForm` tells them; neighbours of fixed size are one. */
  readonly skips: readonly number[];
}

// Compilers write at most thirty.
const maxAttributes = 256;
const maxDenseCode = 65_536;

export class Abbreviations {
  readonly #dense: (Abbreviation | undefined)[] = [];
  readonly #sparse = new Map<number, Abbreviation>();

  /** @throws UnreadableBytes when there is none with this code */
  get(code: number): Abbreviation {
    const found = code < maxDenseCode ? this.#dense[code] : this.#sparse.get(code);
    if (found === undefined) throw new UnreadableBytes(`abbreviation ${code} is not in the table of its unit`);
    return found;
  }

  add(code: number, abbreviation: Abbreviation): void {
    if (code >= maxDenseCode) this.#sparse.set(code, abbreviation);
    else {
      while (this.#dense.length <= code) this.#dense.push(undefined);
      this.#dense[code] = abbreviation;
    }
  }
}

/** Reads the table of abbreviations at an offset. @throws UnreadableBytes, OverBudget */
export function readAbbreviations(cursor: ByteCursor, offset: number, sizes: UnitSizes, budget: Budget): Abbreviations {
  const table = new Abbreviations();
  cursor.seek(offset);
  for (let code = cursor.uleb(); code !== 0; code = cursor.uleb()) {
    budget.spend(1, 'abbreviations');
    if (code < 0) throw new UnreadableBytes('an abbreviation has a negative code');
    table.add(code, readAbbreviation(cursor, sizes));
    if (cursor.isAtEnd) break;
  }
  return table;
}

function readAbbreviation(cursor: ByteCursor, sizes: UnitSizes): Abbreviation {
  const tag = cursor.uleb();
  const hasChildren = cursor.u8() !== 0;
  const attributes: number[] = [];
  const formList: number[] = [];
  const implicit: number[] = [];
  const skips: number[] = [];
  for (;;) {
    const attribute = cursor.uleb();
    const form = cursor.uleb();
    if (attribute === 0 && form === 0) break;
    // Values without bytes would make an entry of one byte as costly as its abbreviation is long.
    if (attributes.length === maxAttributes)
      throw new UnreadableBytes(`an entry has more than ${maxAttributes} attributes`);
    attributes.push(attribute);
    formList.push(form);
    implicit.push(form === forms.implicitConst ? cursor.sleb() : 0);
    addSkip(skips, sizeOfForm(form, sizes));
  }
  return { tag, hasChildren, attributes, forms: formList, implicit, skips };
}

function addSkip(skips: number[], size: number): void {
  const last = skips.at(-1);
  if (size === 0) return;
  if (size > 0 && last !== undefined && last > variableSizes.leb) skips[skips.length - 1] = last + size;
  else skips.push(size);
}
