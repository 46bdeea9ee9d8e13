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
 * Compiles a module whose hot functions V8 compiles again, whatever effort it spares: for a thread that large messages have started, and once there is load. What it
 * compiled before stays as it is, and it has one module for equal bytes, so these are others.
 */
export function compileTiered(bytes: Uint8Array): WebAssemblyModule {
  setFlagsFromString('--wasm-tier-up --wasm-dynamic-tiering');
  return new Module(Buffer.concat([bytes, emptySection]));
}
