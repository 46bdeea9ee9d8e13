/** A file that a key of the configuration names. */
export interface ConfiguredFile {
  /** Within its section, e.g. `cert_file`. */
  readonly key: string;
  readonly path: string;
}
