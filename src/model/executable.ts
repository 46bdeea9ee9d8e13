/** Name and build IDs of the file of a file ID. */
export interface Executable {
  /** Base name or path; empty when unknown. */
  readonly fileName: string;
  /** Hexadecimal; empty when the file has none. */
  readonly gnuBuildId: string;
  /** Go's own build ID; empty when the file has none. */
  readonly goBuildId: string;
  /** True if the file ID is the OpenTelemetry hash of the file's head, tail and length, and may be sent as such. */
  readonly hasHtlHash: boolean;
}

/** The path of a file by which it is known: the same after it was deleted, as an update does with a running program. */
export function pathOfFile(path: string): string {
  return path.endsWith(' (deleted)') ? path.slice(0, -' (deleted)'.length) : path;
}
