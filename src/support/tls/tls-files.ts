import type { BatchObservableCallback, Meter, ObservableGauge } from '@opentelemetry/api';
import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import type { RecordEvent } from '../events.ts';
import { createEvents } from '../events.ts';
import { WatchedFiles } from '../watched-files.ts';
import type { PemSet } from './pem-set.ts';
import { assemblePemSet, filesOf, notAfterSeconds, readPem } from './pem-set.ts';
import type { TlsFilesConfig } from './tls-config.ts';

export interface TlsFilesDependencies {
  /** Owner of the files in metrics: an endpoint that is listened on, or the identifier of a component. */
  readonly part: string;
  /** Path of the section that names the files, for messages. */
  readonly path: string;
  readonly clock: Clock;
  readonly meter: Meter;
  readonly logger: Logger;
}

const reloadCounter = {
  name: 'framekeeper_tls_reloads',
  description: 'TLS files that changed, by whether they were taken or the former ones kept.',
  unit: '{reload}',
};

/**
 * The certificates and keys of one listener or client, read again while the service runs. New files are taken when they
 * are whole and belong together; until then the former ones stay in use, which is logged and counted once a state.
 */
export class TlsFiles {
  readonly #dependencies: TlsFilesDependencies;
  readonly #files: WatchedFiles<PemSet>;
  readonly #taken: RecordEvent;
  readonly #kept: RecordEvent;
  readonly #notAfter: ObservableGauge;
  readonly #observe: BatchObservableCallback;
  #certificate: Buffer | undefined;

  /** `onChange` gets every set after the first. */
  constructor(config: TlsFilesConfig, dependencies: TlsFilesDependencies, onChange: (set: PemSet) => void) {
    const { part, clock, meter } = dependencies;
    this.#dependencies = dependencies;
    const event = createEvents(dependencies, { part });
    const reloads = (outcome: 'taken' | 'kept') => ({ ...reloadCounter, fromZero: [{ outcome }] });
    this.#taken = event({
      counter: reloads('taken'),
      line: { level: 'info', message: 'TLS files have changed and are in use.' },
    });
    this.#kept = event({
      counter: reloads('kept'),
      line: { level: 'warn', message: 'TLS files have changed but cannot be used; the former stay in use.' },
    });
    this.#notAfter = meter.createObservableGauge('framekeeper_tls_certificate_not_after_seconds', {
      description: 'When the certificate in use ends, in seconds since the Unix epoch.',
      unit: 's',
    });
    this.#observe = (result) => {
      if (this.#certificate) result.observe(this.#notAfter, notAfterSeconds(this.#certificate), { part });
    };
    const named = filesOf(config);
    this.#files = new WatchedFiles({
      read: () => Promise.all(named.map(readPem)),
      parse: (contents) => assemblePemSet(config, contents),
      intervalMs: named.length === 0 ? 0 : config.reloadIntervalMs,
      clock,
      onChange: (set) => this.#take(set, onChange),
      onFault: (error) => this.#keep(error),
    });
  }

  /** @throws Error that names the key and the file that cannot be used */
  async start(): Promise<PemSet> {
    const { path, meter } = this.#dependencies;
    const set = await this.#files.start().catch((cause: Error) => {
      throw new Error(`${path}.${cause.message}`, { cause });
    });
    this.#certificate = set.cert;
    meter.addBatchObservableCallback(this.#observe, [this.#notAfter]);
    return set;
  }

  stop(): void {
    this.#files.stop();
    this.#dependencies.meter.removeBatchObservableCallback(this.#observe, [this.#notAfter]);
  }

  #take(set: PemSet, onChange: (set: PemSet) => void): void {
    const { part } = this.#dependencies;
    onChange(set);
    this.#certificate = set.cert;
    this.#taken({ labels: { outcome: 'taken' }, fields: { part } });
  }

  #keep(error: Error): void {
    const { part, path } = this.#dependencies;
    this.#kept({ labels: { outcome: 'kept' }, fields: { part, error: `${path}.${error.message}` } });
  }
}
