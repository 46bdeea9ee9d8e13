import { ByteCursor } from '../elf/byte-cursor.ts';
import type { ElfFile, ElfSection } from '../elf/elf-file.ts';
import { machines, sectionSource, sectionTypes } from '../elf/elf-file.ts';

/** Addresses from `runtime.firstmoduledata` of a Go program. */
export interface GoModule {
  readonly textStart: number;
  readonly functionData: number;
}

/** Words before `text` and `gofunc` in `moduledata`, since Go 1.20 (https://go.dev/src/runtime/symtab.go). */
const textWord = 22;
const functionDataWord = 40;
const moduleSections = ['.go.module', '.noptrdata', '.data', '.data.rel.ro'];
/** The module is looked for in so much of a section. */
const maxScanBytes = 64 * 1024 * 1024;
const maxRelocations = 4_194_304;
const relativeTypes: Readonly<Record<number, number>> = { [machines.x86_64]: 8, [machines.aarch64]: 1027 };

/** Finds the module by its first word, the address of the table of functions. `undefined` when there is none. @throws UnreadableBytes */
export function findGoModule(elf: ElfFile, tableAddress: number, pointerBytes: number): GoModule | undefined {
  return inSections(elf, tableAddress, pointerBytes) ?? inRelocations(elf, tableAddress);
}

function inSections(elf: ElfFile, tableAddress: number, pointerBytes: number): GoModule | undefined {
  for (const name of moduleSections) {
    const section = elf.sections.find((other) => other.name === name);
    const source = section && sectionSource(elf, section);
    if (source === undefined) continue;
    const cursor = new ByteCursor(source);
    const end = Math.min(source.sizeBytes, maxScanBytes) - (functionDataWord + 1) * pointerBytes;
    for (let at = 0; at <= end; at += pointerBytes) {
      cursor.seek(at);
      if (cursor.unsigned(pointerBytes) !== tableAddress) continue;
      const wordAt = (index: number): number => {
        cursor.seek(at + index * pointerBytes);
        return cursor.unsigned(pointerBytes);
      };
      const textStart = wordAt(textWord);
      const functionData = wordAt(functionDataWord);
      if (textStart !== 0) return { textStart, functionData };
    }
  }
  return undefined;
}

/** In a position-independent program the words are relocations: the first with the table as its target tells where the module is. */
function inRelocations(elf: ElfFile, tableAddress: number): GoModule | undefined {
  for (const section of elf.sections) {
    if (section.type !== sectionTypes.rela || !elf.is64) continue;
    let module: number | undefined;
    forRelative(elf, section, (address, target) => {
      if (target === tableAddress) module ??= address;
    });
    if (module === undefined) continue;
    const start = module;
    const words = new Map<number, number>();
    forRelative(elf, section, (address, target) => {
      const word = (address - start) / 8;
      if (word === textWord || word === functionDataWord) words.set(word, target);
    });
    const textStart = words.get(textWord);
    if (textStart !== undefined) return { textStart, functionData: words.get(functionDataWord) ?? 0 };
  }
  return undefined;
}

function forRelative(elf: ElfFile, section: ElfSection, visit: (address: number, target: number) => void): void {
  const source = sectionSource(elf, section);
  const wanted = relativeTypes[elf.machine];
  if (source === undefined || wanted === undefined) return;
  const cursor = new ByteCursor(source);
  for (let left = Math.min(Math.floor(source.sizeBytes / 24), maxRelocations); left > 0; left--) {
    const address = cursor.u64();
    const type = cursor.u32();
    cursor.skip(4);
    const target = cursor.u64();
    if (type === wanted) visit(address, target);
  }
}
