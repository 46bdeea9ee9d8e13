import type { ExpandedText } from './hide-expanded.ts';
import { hideIn } from './hide-expanded.ts';

/** The face of an extension that another component asks for. */
export type ExtensionRole = 'storage' | 'server authenticator' | 'client authenticator';

/** ConfigReference is a value that names an extension. */
export interface ConfigReference {
  readonly path: string;
  readonly role: ExtensionRole;
  /** Of the extension, as written. */
  readonly id: string;
}

/** ConfigNotes collects the notes of all readers of one configuration beside its faults. Shared by all its sections. */
export class ConfigNotes {
  /** Advice on a configuration that is taken: full sentences with a path. */
  readonly warnings: string[] = [];
  readonly references: ConfigReference[] = [];
  /** Path and problem of each reported fault. */
  readonly faults: Set<string> = new Set();
  /** Paths of secrets, for printing the configuration. */
  readonly opaquePaths: Set<string> = new Set();
  /** Values that could not be expanded: reported once, so that every further fault in them is a consequence. */
  readonly unreadablePaths: Set<string> = new Set();
  /** Texts that references stand for: they may be secrets, and are in no message. */
  readonly expanded: ExpandedText[] = [];

  /** The same words about the same path are said once. */
  warn(path: string, warning: string): void {
    const sentence = `${path}: ${hideIn(warning, path, this.expanded)}.`;
    if (!this.warnings.includes(sentence)) this.warnings.push(sentence);
  }

  /** Tells a path in a value that could not be expanded. */
  isUnreadable(path: string): boolean {
    for (const unreadable of this.unreadablePaths) {
      if (path === unreadable || path.startsWith(`${unreadable}.`) || path.startsWith(`${unreadable}[`)) return true;
    }
    return false;
  }
}
