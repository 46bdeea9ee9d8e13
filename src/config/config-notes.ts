/** What the readers of one configuration note beside its faults. Shared by all sections of it. */
export class ConfigNotes {
  /** What a user should know although the configuration is taken: full sentences with a path. */
  readonly warnings: string[] = [];
  /** Values that were read as secrets, for printing the configuration. */
  readonly opaquePaths: Set<string> = new Set();
  /** Values that could not be expanded; reported once, so every further fault of theirs is a consequence. */
  readonly unreadablePaths: Set<string> = new Set();

  /** The same words about the same path are said once. */
  warn(path: string, warning: string): void {
    const sentence = `${path}: ${warning}.`;
    if (!this.warnings.includes(sentence)) this.warnings.push(sentence);
  }

  /** Whether `path` is a value that could not be expanded, or lies in one. */
  isUnreadable(path: string): boolean {
    for (const unreadable of this.unreadablePaths) {
      if (path === unreadable || path.startsWith(`${unreadable}.`) || path.startsWith(`${unreadable}[`)) return true;
    }
    return false;
  }
}
