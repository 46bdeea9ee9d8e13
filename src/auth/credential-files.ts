import { readFile } from 'node:fs/promises';
import { createEvents } from '../support/events.ts';
import type { ConfiguredFile } from '../support/watched-files.ts';
import { WatchedFiles } from '../support/watched-files.ts';
import type { AuthenticatorDependencies } from './authenticator.ts';

// Tokens of Kubernetes change long before they end; a password that was changed should hold soon.
const reloadIntervalMs = 10_000;
const maxFileBytes = 1024 * 1024;

/** The texts of some files of an authenticator, read again while it runs; what cannot be used leaves the former in use. */
export class CredentialFiles<Value> {
  readonly #path: string;
  readonly #files: WatchedFiles<Value>;

  /** `parse` gets the texts in the order of `files`. @throws Error without anything of the texts */
  constructor(
    id: string,
    files: readonly ConfiguredFile[],
    { parse, onChange }: { parse: (texts: readonly string[]) => Value; onChange: (value: Value) => void },
    dependencies: AuthenticatorDependencies,
  ) {
    this.#path = `extensions.${id}`;
    const createEvent = createEvents(dependencies, { authenticator: id });
    const counter = {
      name: 'framekeeper_auth_reloads',
      description: 'Files of credentials that changed, by whether they were taken or the former ones kept.',
      unit: '{reload}',
    };
    const taken = createEvent({
      counter,
      line: { level: 'info', message: 'Credentials have changed and are in use.' },
    });
    const kept = createEvent({
      counter,
      line: { level: 'warn', message: 'Credentials have changed but cannot be used; the former stay in use.' },
    });
    this.#files = new WatchedFiles({
      read: () => Promise.all(files.map(readBytes)),
      parse: (contents) => parse(contents.map((bytes) => Buffer.from(bytes).toString('utf8'))),
      intervalMs: files.length === 0 ? 0 : reloadIntervalMs,
      clock: dependencies.clock,
      onChange: (value) => {
        onChange(value);
        taken({ labels: { outcome: 'taken' } });
      },
      onFault: ({ message }) => kept({ labels: { outcome: 'kept' }, fields: { error: `${this.#path}.${message}` } }),
    });
  }

  /** @throws Error that names the key and the file that cannot be used */
  async start(): Promise<Value> {
    return this.#files.start().catch((cause: Error) => {
      throw new Error(`${this.#path}.${cause.message}`, { cause });
    });
  }

  stop(): void {
    this.#files.stop();
  }
}

async function readBytes({ key, path }: ConfiguredFile): Promise<Buffer> {
  const bytes = await readFile(path).catch((error: Error) => {
    throw new Error(`${key}: cannot read ${path} (${error.message}); name a file that can be read.`);
  });
  if (bytes.length <= maxFileBytes) return bytes;
  throw new Error(`${key}: ${path} has more than ${maxFileBytes} bytes; name a file of credentials alone.`);
}
