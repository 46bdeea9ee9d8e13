/** A function of the kernel, of a module or of a BPF program. */
export interface KernelSymbol {
  readonly name: string;
  readonly start: bigint;
  /** The first address that is known not to belong to the function; never beyond what the list can tell. */
  readonly end: bigint;
  /** Empty for the kernel itself; `bpf` for BPF programs. */
  readonly module: string;
}

// A kernel with all its data symbols has some 250,000 of them.
const maxSymbols = 1 << 20;
const pageSize = 4096n;

/**
 * Kernel functions by address, from the text of /proc/kallsyms: lines of `address type name`, with `\t[module]` behind the
 * names of modules. The list has no sizes. A function ends where the next symbol of any type begins, and at `_etext`; the last
 * one of a module ends with the module (from /proc/modules), else with its page, because modules are mapped in whole pages.
 * Zeroed addresses (`kptr_restrict`) are no addresses: nothing is named by them.
 */
export class KernelSymbols {
  readonly #text: string;
  readonly #symbols: SymbolColumns;

  /** `modules` is the text of /proc/modules; it may be missing. */
  constructor(kallsyms: string, modules = '') {
    this.#text = kallsyms;
    this.#symbols = boundSymbols(parseLines(kallsyms), kallsyms, parseModules(modules));
  }

  /** Functions that have an address of their own. */
  get size(): number {
    return this.#symbols.starts.length;
  }

  /** Addresses that the list calls the start of the kernel's text; none where addresses are zeroed. */
  get textStarts(): readonly bigint[] {
    const starts = /^([0-9a-f]{1,16}) [tT] _s?text$/gm;
    return Array.from(this.#text.matchAll(starts), ([, address]) => BigInt(`0x${address}`)).filter((one) => one > 0n);
  }

  /** The function that holds `address`; `undefined` where the list does not tell. */
  find(address: bigint): KernelSymbol | undefined {
    const { starts, ends, lines } = this.#symbols;
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (starts[middle]! <= address) low = middle + 1;
      else high = middle;
    }
    const index = low - 1;
    if (index < 0 || address >= ends[index]!) return undefined;
    const { name, module } = lineAt(this.#text, lines[index]!);
    // A function is preceded by padding for patches and call checks, which runs for the function.
    return { name: name.replace(/^__(?:pfx|cfi)_/, ''), start: starts[index]!, end: ends[index]!, module };
  }
}

/** One entry a symbol; `lines` are positions of lines in the text. */
interface SymbolColumns {
  readonly starts: BigUint64Array;
  readonly ends: BigUint64Array;
  readonly lines: Uint32Array;
}

interface KallsymsLine {
  readonly address: bigint;
  readonly line: number;
}

function parseLines(text: string): KallsymsLine[] {
  const lines: KallsymsLine[] = [];
  for (let line = 0; line < text.length && lines.length < maxSymbols; ) {
    const address = hexadecimal(text.slice(line, endOfWord(text, line)));
    if (address !== undefined && address > 0n) lines.push({ address, line });
    const end = text.indexOf('\n', line);
    line = end < 0 ? text.length : end + 1;
  }
  return lines.sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : a.line - b.line));
}

function hexadecimal(text: string): bigint | undefined {
  return /^[0-9a-f]{1,16}$/.test(text) ? BigInt(`0x${text}`) : undefined;
}

/** Takes the line at position `line` apart. */
function lineAt(text: string, line: number): { type: string; name: string; module: string } {
  const type = text.indexOf(' ', line) + 1;
  const nameEnd = endOfWord(text, type + 2);
  const hasModule = text[nameEnd] === '\t' && text[nameEnd + 1] === '[';
  return {
    type: text[type] ?? '',
    name: text.slice(type + 2, nameEnd),
    module: hasModule ? text.slice(nameEnd + 2, endOfWord(text, nameEnd + 2)).replace(/\]$/, '') : '',
  };
}

/** Position of the blank or the end of line behind a word. */
function endOfWord(text: string, start: number): number {
  let end = start;
  while (end < text.length && text.charCodeAt(end) > 32) end += 1;
  return end;
}

/** Gives each function its end, and keeps the best name of each address. */
function boundSymbols(sorted: readonly KallsymsLine[], text: string, modules: readonly ModuleRange[]): SymbolColumns {
  const starts: bigint[] = [];
  const ends: bigint[] = [];
  const lines: number[] = [];
  let open: { start: bigint; line: number; module: string } | undefined;
  const close = (next: bigint | undefined, nextModule: string | undefined): void => {
    if (open === undefined) return;
    starts.push(open.start);
    lines.push(open.line);
    ends.push(endOf(open, next, nextModule, modules));
  };
  for (let at = 0; at < sorted.length; ) {
    const { address } = sorted[at]!;
    let best: { start: bigint; line: number; module: string; rank: number } | undefined;
    let firstModule: string | undefined;
    for (; sorted[at]?.address === address; at++) {
      const { line } = sorted[at]!;
      const { type, name, module } = lineAt(text, line);
      firstModule ??= module;
      const rank = rankOf(type, name);
      if (rank > (best?.rank ?? 0)) best = { start: address, line, module, rank };
    }
    close(address, firstModule);
    open = best;
  }
  close(undefined, undefined);
  return { starts: BigUint64Array.from(starts), ends: BigUint64Array.from(ends), lines: Uint32Array.from(lines) };
}

function endOf(
  { start, module }: { readonly start: bigint; readonly module: string },
  next: bigint | undefined,
  nextModule: string | undefined,
  modules: readonly ModuleRange[],
): bigint {
  // BPF programs and pages of trampolines are no module: each lies by itself, wherever there was room.
  const isModule = module !== 'bpf' && !module.startsWith('__builtin__');
  if (next !== undefined && nextModule === module && isModule) return next;
  const range = modules.find((one) => one.name === module && start >= one.start && start < one.end);
  const pageEnd = (start / pageSize + 1n) * pageSize;
  const bound = range?.end ?? pageEnd;
  if (next === undefined) return bound;
  return next < bound ? next : bound;
}

/**
 * Rank of a name for an address: 0 for data and the linker's marks, which only end what is before them. Then aliases: a
 * global function before a local one, and one without the underscores of an internal alias before one with them.
 */
function rankOf(type: string, name: string): number {
  if (!/^[tTwW]$/.test(type) || linkerMark.test(name)) return 0;
  return 1 + (type === 'T' ? 2 : 0) + (name.startsWith('__') ? 0 : 1);
}

const linkerMark = /^(?:_s?text|_etext|_sinittext|_einittext|_end|__init_(?:begin|end)|__\w+_text_(?:start|end))$/;

interface ModuleRange {
  readonly name: string;
  readonly start: bigint;
  readonly end: bigint;
}

/** Lines of /proc/modules: `name size references users state 0xaddress`; the address is 0 for who must not know. */
function parseModules(text: string): ModuleRange[] {
  return text.split('\n').flatMap((line) => {
    const [name = '', size = '', , , , address = ''] = line.split(' ');
    const start = hexadecimal(address.replace(/^0x/, ''));
    if (start === undefined || start === 0n || !/^\d{1,10}$/.test(size)) return [];
    return [{ name, start, end: start + BigInt(size) }];
  });
}
