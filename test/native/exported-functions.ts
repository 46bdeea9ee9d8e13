/** Exported functions of an ELF64 file: the obvious way, over the whole file. */
export function exportedFunctions(file: Buffer): { name: string; address: number; size: number }[] {
  const sections = Array.from({ length: file.readUInt16LE(60) }, (_, index) => {
    const at = Number(file.readBigUInt64LE(40)) + 64 * index;
    const word = (offset: number): number => Number(file.readBigUInt64LE(at + offset));
    return { type: file.readUInt32LE(at + 4), offset: word(24), size: word(32), link: file.readUInt32LE(at + 40) };
  });
  const symbols = sections.find(({ type }) => type === 11)!;
  const texts = sections[symbols.link]!.offset;
  return Array.from({ length: symbols.size / 24 }, (_, index) => {
    const at = symbols.offset + 24 * index;
    const nameAt = texts + file.readUInt32LE(at);
    const name = file.toString('latin1', nameAt, file.indexOf(0, nameAt));
    const isFunction = (file[at + 4]! & 15) === 2 && file.readUInt16LE(at + 6) !== 0;
    const [address, size] = [Number(file.readBigUInt64LE(at + 8)), Number(file.readBigUInt64LE(at + 16))];
    return { name, address, size: isFunction ? size : 0 };
  }).filter(({ size }) => size > 0);
}
