import { setFlagsFromString } from 'node:v8';

/** The parts of WebAssembly's interface that are used here; its types come with the DOM's alone. */
interface WebAssemblyInterface {
  readonly Module: new (bytes: Uint8Array) => WebAssemblyModule;
  readonly Instance: new (module: WebAssemblyModule, imports: object) => { readonly exports: unknown };
}

/** A module as V8 has compiled it. */
export interface WebAssemblyModule {
  readonly [Symbol.toStringTag]: string;
}

/** The memory of an instance. `buffer` is another one, and the one before without bytes, once the memory has grown. */
export interface WebAssemblyMemory {
  readonly buffer: ArrayBuffer;
}

export const { Module, Instance } = (globalThis as unknown as { readonly WebAssembly: WebAssemblyInterface })
  .WebAssembly;

/** A section of its own kind, without a name and empty: it makes other bytes of the same module. */
const emptySection = Uint8Array.of(0, 1, 0);

/**
 * Compiles a module by V8's first compiler, all of it now, and never again, however hot it gets: that takes two milliseconds for 19 kB, and its functions twice the time. V8 has one
 * compiled module for equal bytes, so a module of the same bytes is not this one.
 */
export function compileOnce(bytes: Uint8Array): WebAssemblyModule {
  setFlagsFromString('--no-wasm-lazy-compilation --no-wasm-tier-up --no-wasm-dynamic-tiering');
  try {
    return new Module(Buffer.concat([bytes, emptySection]));
  } finally {
    setFlagsFromString('--wasm-lazy-compilation --wasm-tier-up --wasm-dynamic-tiering');
  }
}
