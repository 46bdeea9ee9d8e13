import type { ByteCursor } from '../elf/byte-cursor.ts';
import { UnreadableBytes } from '../elf/byte-source.ts';
import type { UnitSizes } from './forms.ts';

/** `DW_UT_*` (DWARF 5, table 7.2). Units before DWARF 5 have none and count as `compile`. */
export const unitTypes = { compile: 1, type: 2, partial: 3, skeleton: 4, splitCompile: 5, splitType: 6 } as const;

export interface UnitHeader extends UnitSizes {
  /** Of the header in `.debug_info`. */
  readonly offset: number;
  /** After the unit's last byte. */
  readonly end: number;
  readonly firstEntry: number;
  readonly type: number;
  readonly abbreviationOffset: number;
  /** Two halves in hexadecimal; empty when the unit has none. Tells which split unit belongs to a skeleton. */
  readonly dwoId: string;
}

/** Reads the header at the cursor's position, which is then that of the unit's first entry. @throws UnreadableBytes */
export function readUnitHeader(cursor: ByteCursor): UnitHeader {
  const offset = cursor.position;
  const { length, offsetBytes } = readInitialLength(cursor);
  const end = cursor.position + length;
  if (!(end <= cursor.end)) throw new UnreadableBytes(`the unit at ${offset} goes past the end of its section`);
  const version = cursor.u16();
  if (version < 2 || version > 5) throw new UnreadableBytes(`the unit at ${offset} has version ${version}`);
  const type = version >= 5 ? cursor.u8() : unitTypes.compile;
  const early = version >= 5 ? cursor.u8() : 0;
  const abbreviationOffset = cursor.unsigned(offsetBytes);
  const addressBytes = version >= 5 ? early : cursor.u8();
  if (addressBytes !== 4 && addressBytes !== 8) {
    throw new UnreadableBytes(`the unit at ${offset} has addresses of ${addressBytes} bytes`);
  }
  const hasDwoId = type === unitTypes.skeleton || type === unitTypes.splitCompile;
  const dwoId = version >= 5 && hasDwoId ? readDwoId(cursor) : '';
  if (version >= 5 && (type === unitTypes.type || type === unitTypes.splitType)) cursor.skip(8 + offsetBytes);
  const firstEntry = cursor.position;
  return { offset, end, firstEntry, version, type, offsetBytes, addressBytes, abbreviationOffset, dwoId };
}

/** Eight bytes that tell which split unit belongs to a skeleton, as text: a number would not be exact. */
export function readDwoId(cursor: ByteCursor): string {
  const low = cursor.u32();
  return `${low.toString(16)} ${cursor.u32().toString(16)}`;
}

/** The length that begins each unit, and the size of offsets, which it tells as well (DWARF 5, 7.4). */
export function readInitialLength(cursor: ByteCursor): { length: number; offsetBytes: 4 | 8 } {
  const length = cursor.u32();
  if (length < 0xffff_fff0) return { length, offsetBytes: 4 };
  if (length !== 0xffff_ffff) throw new UnreadableBytes(`a unit has the reserved length ${length}`);
  return { length: cursor.u64(), offsetBytes: 8 };
}
