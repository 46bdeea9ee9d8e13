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
