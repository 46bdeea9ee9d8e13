/**
 * Addresses of a file lie far below this. Above are those of a process's memory, which pprof has in place of a file's, and
 * of a running kernel: both begin elsewhere in the next process, or on the next host.
 */
export const firstMemoryAddress: bigint = 2n ** 44n;

/** Its upper word; the lower one is 0. */
export const firstMemoryAddressHigh: number = Number(firstMemoryAddress >> 32n);

/** Interpreted frames count lines or bytecode: only their own file ID makes that an address, never a loaded file's. */
export const typesWithAddresses: ReadonlySet<string> = new Set(['', 'native', 'kernel', 'go', 'rust']);
