import { ByteCursor } from '../elf/byte-cursor.ts';
import { readBytes } from '../elf/byte-source.ts';
import type { ElfFile, ElfSection } from '../elf/elf-file.ts';
import { findSection, machines, sectionSource, sectionTypes } from '../elf/elf-file.ts';

const stubSections = new Set(['.plt', '.plt.sec', '.plt.got', '.iplt']);
const maxStubBytes = 32;
/** Functions that a file imports; a large program has some thousand. */
const maxSlots = 65_536;

/**
 * Names of the stubs through which a file calls functions of others, as `name@plt`. A stub is understood by its jump: the
 * relocation of the slot that it goes through has the name. Reads the relocations when the first stub is asked for.
 */
export class PltNames {
  readonly #elf: ElfFile;
  readonly #stubs: readonly ElfSection[];
  #slots: ReadonlyMap<number, string> | undefined;

  constructor(elf: ElfFile) {
    this.#elf = elf;
    this.#stubs = elf.sections.filter(({ name }) => stubSections.has(name));
  }

  /** @throws UnreadableBytes */
  nameAt(address: number): string | undefined {
    const section = this.#stubs.find(
      ({ address: start, sizeBytes }) => address >= start && address < start + sizeBytes,
    );
    const source = section && sectionSource(this.#elf, section);
    if (section === undefined || source === undefined) return undefined;
    const entryBytes = stubBytes(section);
    const entry = Math.floor((address - section.address) / entryBytes) * entryBytes;
    const code = Buffer.from(readBytes(source, entry, Math.min(entryBytes, source.sizeBytes - entry)));
    const slot = this.#slotOf(code, section.address + entry);
    if (slot === undefined) return undefined;
    this.#slots ??= readSlots(this.#elf);
    const name = this.#slots.get(slot);
    return name === undefined ? undefined : `${name}@plt`;
  }

  #slotOf(code: Buffer, address: number): number | undefined {
    switch (this.#elf.machine) {
      case machines.x86_64:
        return slotOfX86(code, (end, displacement) => address + end + displacement);
      case machines.i386: {
        const table = findSection(this.#elf, '.got.plt') ?? findSection(this.#elf, '.got');
        return slotOfX86(
          code,
          (_, displacement, isRelative) => (isRelative ? (table?.address ?? 0) : 0) + displacement,
        );
      }
      case machines.aarch64:
        return slotOfAarch64(code, address);
      default:
        return undefined;
    }
  }
}

function stubBytes({ name, entryBytes }: ElfSection): number {
  if (entryBytes >= 4 && entryBytes <= maxStubBytes) return entryBytes;
  return name === '.plt.got' ? 8 : 16;
}

/** `jmp *displacement`: with the address of the next instruction, or with the table of slots in ebx, or with neither. */
function slotOfX86(
  code: Buffer,
  resolve: (end: number, displacement: number, isRelative: boolean) => number,
): number | undefined {
  // Before it there may be an endbr64 of four bytes, and a prefix of one.
  for (let at = 0; at + 6 <= code.length && at <= 5; at++) {
    if (code[at] !== 0xff || (code[at + 1] !== 0x25 && code[at + 1] !== 0xa3)) continue;
    return resolve(at + 6, code.readInt32LE(at + 2), code[at + 1] === 0xa3);
  }
  return undefined;
}

/** `adrp x16, page; ldr x17, [x16, offset]`, perhaps behind a `bti c`. */
function slotOfAarch64(code: Buffer, address: number): number | undefined {
  for (let at = 0; at + 8 <= code.length && at <= 4; at += 4) {
    const page = code.readUInt32LE(at);
    const load = code.readUInt32LE(at + 4);
    if ((page & 0x9f00001f) >>> 0 !== 0x90000010 || (load & 0xffc003ff) >>> 0 !== 0xf9400211) continue;
    const immediate = ((page >>> 5) & 0x7ffff) * 4 + ((page >>> 29) & 3);
    const pages = immediate >= 2 ** 20 ? immediate - 2 ** 21 : immediate;
    const base = Math.floor((address + at) / 4096) * 4096 + pages * 4096;
    return base + ((load >>> 10) & 0xfff) * 8;
  }
  return undefined;
}

// R_*_JUMP_SLOT and R_*_GLOB_DAT by machine.
const slotTypes: Readonly<Record<number, readonly number[]>> = {
  [machines.i386]: [7, 6],
  [machines.x86_64]: [7, 6],
  [machines.aarch64]: [1026, 1025],
};

function readSlots(elf: ElfFile): Map<number, string> {
  const slots = new Map<number, string>();
  const types = slotTypes[elf.machine] ?? [];
  for (const section of elf.sections) {
    if (section.type !== sectionTypes.rela && section.type !== sectionTypes.rel) continue;
    const symbols = elf.sections[section.link];
    if (symbols?.type === sectionTypes.dynamicSymbols) readRelocations(elf, section, symbols, types, slots);
  }
  return slots;
}

function readRelocations(
  elf: ElfFile,
  section: ElfSection,
  symbols: ElfSection,
  types: readonly number[],
  slots: Map<number, string>,
): void {
  const source = sectionSource(elf, section);
  const table = sectionSource(elf, symbols);
  const strings = elf.sections[symbols.link];
  const texts = strings && sectionSource(elf, strings);
  if (source === undefined || table === undefined || texts === undefined) return;
  const cursor = new ByteCursor(source);
  const symbolCursor = new ByteCursor(table, 4096);
  const textCursor = new ByteCursor(texts, 4096);
  const { is64 } = elf;
  const addendBytes = section.type === sectionTypes.rela ? (is64 ? 8 : 4) : 0;
  const entryBytes = (is64 ? 16 : 8) + addendBytes;
  for (let left = Math.floor(source.sizeBytes / entryBytes); left > 0 && slots.size < maxSlots; left--) {
    const slot = is64 ? cursor.u64() : cursor.u32();
    const low = cursor.u32();
    const type = is64 ? low : low & 0xff;
    const symbol = is64 ? cursor.u32() : low >>> 8;
    cursor.skip(addendBytes);
    if (symbol === 0 || !types.includes(type)) continue;
    symbolCursor.seek(symbol * (is64 ? 24 : 16));
    textCursor.seek(symbolCursor.u32());
    const name = textCursor.text();
    if (name !== '') slots.set(slot, name);
  }
}
