// hot
import type { ByteCursor } from '../elf/byte-cursor.ts';
import { UnreadableBytes } from '../elf/byte-source.ts';

/** Attributes of debugging information entries that are read here (DWARF 5, table 7.5). */
export const attributes = {
  name: 0x03,
  statementList: 0x10,
  lowPc: 0x11,
  highPc: 0x12,
  language: 0x13,
  compilationDirectory: 0x1b,
  abstractOrigin: 0x31,
  declarationLine: 0x3b,
  specification: 0x47,
  ranges: 0x55,
  callColumn: 0x57,
  callFile: 0x58,
  callLine: 0x59,
  linkageName: 0x6e,
  stringOffsetsBase: 0x72,
  addressBase: 0x73,
  rangeListsBase: 0x74,
  dwoName: 0x76,
  mipsLinkageName: 0x2007,
  gnuDwoName: 0x2130,
  gnuDwoId: 0x2131,
  gnuRangesBase: 0x2132,
  gnuAddressBase: 0x2133,
} as const;

/** Forms: the encodings of attribute values (DWARF 5, table 7.6, and GNU's extensions). */
export const forms = {
  address: 0x01,
  block2: 0x03,
  block4: 0x04,
  data2: 0x05,
  data4: 0x06,
  data8: 0x07,
  string: 0x08,
  block: 0x09,
  block1: 0x0a,
  data1: 0x0b,
  flag: 0x0c,
  sdata: 0x0d,
  strp: 0x0e,
  udata: 0x0f,
  refAddress: 0x10,
  ref1: 0x11,
  ref2: 0x12,
  ref4: 0x13,
  ref8: 0x14,
  refUdata: 0x15,
  indirect: 0x16,
  sectionOffset: 0x17,
  expression: 0x18,
  flagPresent: 0x19,
  strx: 0x1a,
  addrx: 0x1b,
  refSup4: 0x1c,
  strpSup: 0x1d,
  data16: 0x1e,
  lineStrp: 0x1f,
  refSig8: 0x20,
  implicitConst: 0x21,
  loclistx: 0x22,
  rnglistx: 0x23,
  refSup8: 0x24,
  strx1: 0x25,
  strx2: 0x26,
  strx3: 0x27,
  strx4: 0x28,
  addrx1: 0x29,
  addrx2: 0x2a,
  addrx3: 0x2b,
  addrx4: 0x2c,
  gnuAddressIndex: 0x1f01,
  gnuStringIndex: 0x1f02,
  gnuRefAlt: 0x1f20,
  gnuStrpAlt: 0x1f21,
} as const;

/** Sizes that a unit decides on. */
export interface UnitSizes {
  readonly version: number;
  /** 4, or 8 in 64-bit DWARF. */
  readonly offsetBytes: number;
  readonly addressBytes: number;
}

/** Encodings of values without a fixed size, as negative numbers beside the sizes in bytes. */
export const variableSizes = {
  leb: -1,
  text: -2,
  block: -3,
  block1: -4,
  block2: -5,
  block4: -6,
  indirect: -7,
} as const;

/** Bytes of a value, or one of `variableSizes`. @throws UnreadableBytes for an unknown form: nothing after it can be read */
export function sizeOfForm(form: number, { version, offsetBytes, addressBytes }: UnitSizes): number {
  switch (form) {
    case forms.implicitConst:
    case forms.flagPresent:
      return 0;
    case forms.data1:
    case forms.flag:
    case forms.ref1:
    case forms.strx1:
    case forms.addrx1:
      return 1;
    case forms.data2:
    case forms.ref2:
    case forms.strx2:
    case forms.addrx2:
      return 2;
    case forms.strx3:
    case forms.addrx3:
      return 3;
    case forms.data4:
    case forms.ref4:
    case forms.refSup4:
    case forms.strx4:
    case forms.addrx4:
      return 4;
    case forms.data8:
    case forms.ref8:
    case forms.refSig8:
    case forms.refSup8:
      return 8;
    case forms.data16:
      return 16;
    case forms.address:
      return addressBytes;
    case forms.refAddress:
      return version <= 2 ? addressBytes : offsetBytes;
    default:
      return variableSizeOf(form, offsetBytes);
  }
}

function variableSizeOf(form: number, offsetBytes: number): number {
  switch (form) {
    case forms.strp:
    case forms.lineStrp:
    case forms.strpSup:
    case forms.sectionOffset:
    case forms.gnuRefAlt:
    case forms.gnuStrpAlt:
      return offsetBytes;
    case forms.sdata:
    case forms.udata:
    case forms.refUdata:
    case forms.strx:
    case forms.addrx:
    case forms.loclistx:
    case forms.rnglistx:
    case forms.gnuAddressIndex:
    case forms.gnuStringIndex:
      return variableSizes.leb;
    case forms.string:
      return variableSizes.text;
    case forms.block:
    case forms.expression:
      return variableSizes.block;
    case forms.block1:
      return variableSizes.block1;
    case forms.block2:
      return variableSizes.block2;
    case forms.block4:
      return variableSizes.block4;
    case forms.indirect:
      return variableSizes.indirect;
    default:
      throw new UnreadableBytes(`form 0x${form.toString(16)} of an attribute is unknown`);
  }
}

/** Skips a value of a size as `sizeOfForm` tells it. */
export function skipValue(cursor: ByteCursor, size: number, sizes: UnitSizes): void {
  if (size >= 0) cursor.skip(size);
  else skipVariable(cursor, size, sizes);
}

function skipVariable(cursor: ByteCursor, size: number, sizes: UnitSizes): void {
  switch (size) {
    case variableSizes.leb:
      cursor.skipLeb();
      break;
    case variableSizes.text:
      cursor.skipText();
      break;
    case variableSizes.block:
      cursor.skip(cursor.uleb());
      break;
    case variableSizes.block1:
      cursor.skip(cursor.u8());
      break;
    case variableSizes.block2:
      cursor.skip(cursor.u16());
      break;
    case variableSizes.block4:
      cursor.skip(cursor.u32());
      break;
    default:
      skipValue(cursor, sizeOfForm(readIndirect(cursor), sizes), sizes);
  }
}

/** The form that an indirect value tells. */
function readIndirect(cursor: ByteCursor): number {
  const form = cursor.uleb();
  if (form === forms.indirect) throw new UnreadableBytes('an indirect form leads to another one');
  return form;
}

/** A value that was read, with the form that tells what its number means. Written to again and again. */
export interface FormValue {
  form: number;
  /** An address, a number, an offset or an index; of a text in place, its position; of a block, 0. */
  value: number;
}

/** Reads a value into `target`. */
export function readValue(
  cursor: ByteCursor,
  form: number,
  implicit: number,
  sizes: UnitSizes,
  target: FormValue,
): void {
  target.form = form;
  target.value = 0;
  switch (form) {
    case forms.implicitConst:
      target.value = implicit;
      return;
    case forms.flagPresent:
      target.value = 1;
      return;
    case forms.sdata:
      target.value = cursor.sleb();
      return;
    case forms.string:
      target.value = cursor.position;
      cursor.skipText();
      return;
    case forms.indirect:
      readValue(cursor, readIndirect(cursor), 0, sizes, target);
      return;
    default: {
      const size = sizeOfForm(form, sizes);
      if (size === 3) target.value = cursor.u24();
      else if (size === variableSizes.leb) target.value = cursor.uleb();
      else if (size === 1 || size === 2 || size === 4 || size === 8) target.value = cursor.unsigned(size);
      else skipValue(cursor, size, sizes);
    }
  }
}
