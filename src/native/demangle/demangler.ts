import { readPackageFile } from '../../support/program-files.ts';
import type { WebAssemblyMemory, WebAssemblyModule } from '../../support/web-assembly.ts';
import { Instance, Module } from '../../support/web-assembly.ts';
import { limitMemory } from './limit-memory.ts';

/** Exports of the module (gecko-profiler-demangle: the C++, Rust and Swift demanglers of Rust's crates). */
interface Exports {
  readonly memory: WebAssemblyMemory;
  readonly demangle_any: (pointer: number, length: number) => [number, number];
  readonly __wbindgen_malloc: (size: number, align: number) => number;
  readonly __wbindgen_free: (pointer: number, size: number, align: number) => void;
  readonly __wbindgen_export_0: { grow(count: number): number; set(index: number, value: unknown): void };
  readonly __wbindgen_start: () => void;
}

/** 16 MiB: a name of 215 bytes can ask for 269 MB, one of 255 for 2.1 GB. */
const maxPages = 256;
/** Longer names, of any form, are cut. */
export const maxNameLength = 4096;
/** An instance with more memory is not used again. */
const keptBytes = 4 * 1024 * 1024;
/** Names that are kept, of one file. */
const maxKnown = 2048;
/** After so many traps the names of a file stay as they are. */
const maxTraps = 3;

/** Compiles the demangler once. */
export function loadDemangler(): DemanglerInstance {
  const code = readPackageFile('gecko-profiler-demangle/index_bg.wasm');
  return new DemanglerInstance(new Module(limitMemory(code, maxPages)));
}

/** The demangler of all files. Its memory grows with the largest name and never shrinks: then the next name gets a new one. */
export class DemanglerInstance {
  /** The compiled demangler: its memory is limited, so that no name takes more than 16 MiB. */
  readonly #module: WebAssemblyModule;
  #exports: Exports | undefined;

  constructor(module: WebAssemblyModule) {
    this.#module = module;
  }

  /** @throws what the module throws, and begins anew then */
  demangle(name: string): string {
    this.#exports ??= instantiate(this.#module);
    try {
      const plain = call(this.#exports, name);
      if (this.#exports.memory.buffer.byteLength > keptBytes) this.#exports = undefined;
      return plain;
    } catch (error) {
      this.#exports = undefined;
      throw error;
    }
  }
}

/**
 * Demangles names of C++ and Rust, of one file: a name that needs more than 16 MiB traps, stays mangled, and costs a new
 * instance; a file with three of them is not trusted any more.
 */
export class Demangler {
  readonly #instance: DemanglerInstance;
  #traps = 0;
  /** Inlined functions come again and again. */
  readonly #known = new Map<string, string>();

  constructor(instance: DemanglerInstance) {
    this.#instance = instance;
  }

  /** The demangled form of a linker's name; the name itself when it is not mangled. At most `maxNameLength` characters. */
  demangle(name: string): string {
    if (!isMangled(name) || name.length > maxNameLength || this.#traps >= maxTraps) return cut(name);
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const plain = this.#withoutSuffix(name);
    if (this.#known.size === maxKnown) this.#known.clear();
    this.#known.set(name, plain);
    return plain;
  }

  /** Names of PLT stubs and of versions, `NAME@plt` and `NAME@@GLIBCXX_3.4`, keep what follows the mangled part. */
  #withoutSuffix(name: string): string {
    const at = name.indexOf('@');
    if (at < 0) return this.#call(name);
    const mangled = name.slice(0, at);
    const plain = this.#call(mangled);
    return plain === mangled ? name : cut(plain + name.slice(at));
  }

  #call(name: string): string {
    try {
      const plain = this.#instance.demangle(name);
      // Of a name that it cannot read, the module takes the first underscore away.
      return plain === name.slice(1) ? name : cut(plain);
    } catch {
      this.#traps++;
      return name;
    }
  }
}

/** Itanium's C++ ABI and Rust's older form begin with _Z, Rust's newer one with _R. */
function isMangled(name: string): boolean {
  return name.startsWith('_Z') || name.startsWith('_R') || name.startsWith('__Z') || name.startsWith('__R');
}

function cut(name: string): string {
  return name.length > maxNameLength ? name.slice(0, maxNameLength) : name;
}

function instantiate(module: WebAssemblyModule): Exports {
  let exports: Exports;
  const imports = {
    './index_bg.js': {
      // The table of values that wasm-bindgen starts with.
      __wbindgen_init_externref_table: () => {
        const table = exports.__wbindgen_export_0;
        const first = table.grow(4);
        [undefined, undefined, null, true, false].forEach((value, index) => {
          table.set(index === 0 ? 0 : first + index - 1, value);
        });
      },
    },
  };
  exports = new Instance(module, imports).exports as unknown as Exports;
  exports.__wbindgen_start();
  return exports;
}

function call(exports: Exports, name: string): string {
  const bytes = Buffer.from(name);
  const input = exports.__wbindgen_malloc(bytes.length, 1) >>> 0;
  new Uint8Array(exports.memory.buffer).set(bytes, input);
  // The input is freed by the call.
  const [output, length] = exports.demangle_any(input, bytes.length);
  const text = Buffer.from(exports.memory.buffer, output >>> 0, length).toString();
  exports.__wbindgen_free(output, length, 1);
  return text;
}
