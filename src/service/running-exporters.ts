import type { ConfiguredComponent } from '../config/check-document.ts';
import type { ExporterType } from '../exporters/exporter-type.ts';
import type { ProfilesExporter } from '../exporters/profiles-exporter.ts';
import { SwitchedOffExporter } from '../exporters/switched-off-exporter.ts';
import type { Component, LifecycleStatus } from '../support/lifecycle.ts';
import { Lifecycle } from '../support/lifecycle.ts';
import type { ServiceConfig } from './components.ts';

type Exporter = Component & ProfilesExporter;

export interface RunningExportersParts {
  readonly create: (component: ConfiguredComponent<ExporterType>) => Exporter;
  readonly report: (id: string, status: LifecycleStatus, error?: unknown) => void;
  /** Forgets the status of an exporter that is gone, or about to be replaced. */
  readonly forget: (id: string) => void;
}

/**
 * RunningExporters are the exporters of all pipelines, as one part of the service. Pipelines hold the lists of
 * `exportersOf`, which change in place: a pipeline, its window and its receivers notice nothing of a replacement.
 */
export class RunningExporters implements Component {
  readonly id = 'exporters';
  readonly #parts: RunningExportersParts;
  readonly #running = new Map<string, Exporter>();
  readonly #lists = new Map<string, ProfilesExporter[]>();

  constructor(config: ServiceConfig, parts: RunningExportersParts) {
    this.#parts = parts;
    for (const id of usedExporters(config)) this.#running.set(id, parts.create(config.exporters.get(id)!));
    this.#fillLists(config);
  }

  /** The exporters of a pipeline; the same list for ever, with other members after `replace`. */
  exportersOf(pipeline: string): readonly ProfilesExporter[] {
    return this.#lists.get(pipeline)!;
  }

  /** Rejects when an exporter cannot start, after those before it were stopped. */
  start(): Promise<void> {
    return this.#lifecycleOf([...this.#running.values()]).start();
  }

  async stop(deadline: AbortSignal): Promise<void> {
    for (const exporter of [...this.#running.values()].reverse()) await this.#stopOne(exporter, deadline);
  }

  /**
   * Starts the exporters `ids` as `config` has them, lets the pipelines use them, and then stops their predecessors and all
   * exporters without use: these send what they hold until `deadline`. An exporter whose queue is on disk hands the disk
   * over, so that it stops first, and its successor sends what it left there. Returns the exporters that could not start;
   * their predecessors go on.
   */
  async replace(config: ServiceConfig, ids: readonly string[], deadline: AbortSignal): Promise<Map<string, unknown>> {
    const failed = new Map<string, unknown>();
    const replaced: Exporter[] = [];
    for (const id of ids) {
      const component = config.exporters.get(id)!;
      const before = this.#running.get(id);
      const isOnDisk = component.type.refersTo(component.config).storage !== '';
      // The former and the new exporter would write to the same files.
      if (before !== undefined && isOnDisk) await before.stop(deadline);
      const exporter = this.#parts.create(component);
      try {
        await exporter.start();
      } catch (error) {
        failed.set(id, error);
        await exporter.stop(AbortSignal.abort());
        continue;
      }
      this.#parts.forget(id);
      this.#parts.report(id, 'starting');
      this.#parts.report(id, 'ok');
      this.#running.set(id, exporter);
      if (before !== undefined && !isOnDisk) replaced.push(before);
    }
    const used = usedExporters(config);
    for (const [id, exporter] of this.#running) {
      if (used.has(id)) continue;
      this.#running.delete(id);
      this.#parts.forget(id);
      replaced.push(exporter);
    }
    this.#fillLists(config);
    await Promise.all(replaced.map((exporter) => exporter.stop(deadline)));
    return failed;
  }

  #fillLists(config: ServiceConfig): void {
    for (const [id, pipeline] of config.pipelines) {
      const list = this.#lists.get(id) ?? [];
      this.#lists.set(id, list);
      const own = pipeline.exporters.flatMap((exporter) => this.#running.get(exporter) ?? []);
      list.splice(0, list.length, ...withoutSwitchedOff(own));
    }
  }

  #lifecycleOf(exporters: readonly Exporter[]): Lifecycle<Exporter> {
    return new Lifecycle(exporters, ({ id }, status, error) => this.#parts.report(id, status, error));
  }

  async #stopOne(exporter: Exporter, deadline: AbortSignal): Promise<void> {
    this.#parts.report(exporter.id, 'stopping');
    try {
      await exporter.stop(deadline);
      this.#parts.report(exporter.id, 'stopped');
    } catch (error) {
      this.#parts.report(exporter.id, 'permanent_error', error);
    }
  }
}

function usedExporters({ pipelines }: ServiceConfig): Set<string> {
  return new Set([...pipelines.values()].flatMap(({ exporters }) => exporters));
}

/** An exporter that is off takes everything, which must not count as a delivery. Where all are off, nothing is missed. */
function withoutSwitchedOff<E extends ProfilesExporter>(exporters: readonly E[]): readonly E[] {
  const working = exporters.filter((exporter) => !(exporter instanceof SwitchedOffExporter));
  return working.length === 0 ? exporters : working;
}
