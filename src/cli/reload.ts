import type { Counter, Meter } from '@opentelemetry/api';
import type { Logger } from 'pino';
import type { ConfigProblem } from '../config/config-error.ts';
import { formatProblem } from '../config/config-error.ts';
import type { ServiceComponentType, ServiceConfig } from '../service/components.ts';
import type { ReloadResult } from '../service/service.ts';
import type { ConfigVerdict } from './read-config.ts';

interface ReloadParts {
  /** Resolves once the service has started; reloads wait for it. */
  readonly started: Promise<void>;
  /** Reads and checks the configuration again. */
  readonly judge: () => ConfigVerdict<ServiceComponentType>;
  /** Faults that only a resolver of names finds. */
  readonly findMore: (config: ServiceConfig) => Promise<readonly ConfigProblem[]>;
  readonly apply: (config: ServiceConfig) => Promise<ReloadResult>;
  readonly meter: Meter;
  readonly logger: Logger;
}

/** Reload reads the configuration again and changes the service to it, one time after the other. Never rejects. */
export class Reload {
  readonly #parts: ReloadParts;
  readonly #reloads: Counter;
  #last: Promise<void>;

  constructor(parts: ReloadParts) {
    this.#parts = parts;
    this.#last = parts.started;
    this.#reloads = parts.meter.createCounter('framekeeper_config_reloads', {
      description:
        'Reloads of the configuration, by outcome: applied, partial (a part needs a restart or could not start), refused.',
      unit: '{reload}',
    });
    for (const outcome of ['applied', 'partial', 'refused']) this.#reloads.add(0, { outcome });
  }

  run(): Promise<void> {
    // A service that could not start has nothing to reload.
    this.#last = this.#last.then(
      () => this.#run(),
      () => undefined,
    );
    return this.#last;
  }

  async #run(): Promise<void> {
    const { judge, findMore, apply, logger } = this.#parts;
    try {
      const { config, problems, warnings } = judge();
      for (const warning of warnings) logger.warn(warning);
      const all = config === undefined ? problems : await findMore(config.checked);
      if (config === undefined || all.length > 0) return this.#refuse(all);
      this.#tell(await apply(config.checked));
    } catch (error) {
      this.#reloads.add(1, { outcome: 'refused' });
      logger.error({ error }, 'The configuration was not reloaded.');
    }
  }

  #refuse(problems: readonly ConfigProblem[]): void {
    this.#reloads.add(1, { outcome: 'refused' });
    for (const problem of problems) this.#parts.logger.error(formatProblem(problem));
    this.#parts.logger.error('The configuration was not reloaded: it has faults, and nothing has changed.');
  }

  #tell({ removed, restart, failed, ...changed }: ReloadResult): void {
    const { logger } = this.#parts;
    this.#reloads.add(1, { outcome: restart.length > 0 || failed.size > 0 ? 'partial' : 'applied' });
    for (const [id, error] of failed) logger.error({ error }, `${id}: could not start, and so has not changed.`);
    for (const path of restart) logger.warn(`${path}: changed, but cannot change in place; restart the service.`);
    const pathsOf = (kinds: readonly ('exporters' | 'receivers' | 'extensions' | 'processors')[]): string[] =>
      kinds.flatMap((kind) => changed[kind].map((id) => `${kind}.${id}`)).filter((path) => !failed.has(path));
    const started = pathsOf(['exporters', 'receivers', 'extensions']);
    logger.info({ started, changed: pathsOf(['processors']), removed, restart }, 'The configuration was reloaded.');
  }
}
