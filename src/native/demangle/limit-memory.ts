const memorySection = 5;
const headerBytes = 8;

/**
 * A WebAssembly module with another maximum of its one memory, in pages of 64 KiB
 * (https://webassembly.github.io/spec/core/binary/modules.html#memory-section). What needs more traps.
 * @throws TypeError for bytes that are no module with a memory
 */
export function limitMemory(module: Uint8Array, maxPages: number): Uint8Array<ArrayBuffer> {
  for (let at = headerBytes; at < module.length; ) {
    const id = module[at]!;
    const size = readUleb(module, at + 1);
    const end = size.next + size.value;
    if (id === memorySection) {
      const count = readUleb(module, size.next);
      const flags = readUleb(module, count.next);
      const minimum = readUleb(module, flags.next);
      if (count.value !== 1 || minimum.value > maxPages) break;
      const limits = [1, 1, ...writeUleb(minimum.value), ...writeUleb(maxPages)];
      const written = [memorySection, ...writeUleb(limits.length), ...limits];
      const limited = new Uint8Array(at + written.length + module.length - end);
      limited.set(module.subarray(0, at));
      limited.set(written, at);
      limited.set(module.subarray(end), at + written.length);
      return limited;
    }
    at = end;
  }
  throw new TypeError('the module has no memory that could be limited');
}

function readUleb(bytes: Uint8Array, at: number): { value: number; next: number } {
  let value = 0;
  for (let next = at, shift = 0; shift < 35; shift += 7) {
    const byte = bytes[next++];
    if (byte === undefined) break;
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return { value, next };
  }
  throw new TypeError('a number of the module does not end');
}

function writeUleb(value: number): number[] {
  const bytes: number[] = [];
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return [...bytes, left];
    bytes.push((left % 128) + 128);
  }
}
