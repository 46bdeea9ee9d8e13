import { basename } from 'node:path/posix';
import type { Logger } from 'pino';
import { attributeNames } from '../../profile/attribute-names.ts';
import type { Clock } from '../../support/clock.ts';
import { everyInterval } from '../../support/clock.ts';
import { messageOf } from '../../support/error-text.ts';
import type { Component } from '../../support/lifecycle.ts';
import type { Host } from '../host.ts';
import type { ProcessReader } from '../processes/process-reader.ts';
import type { ResourceDraft } from '../resource-draft.ts';
import { pidOf } from '../resource-draft.ts';
import type { ResourceRule } from '../resource-rule.ts';
import type { DetectionConfig, DetectorName } from './detection-config.ts';
import type { Detected } from './detectors.ts';
import { detect } from './detectors.ts';

export interface DetectionParts {
  readonly host: Host;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Reads processes; `undefined` without the detector for them. */
  readonly processes: Pick<ProcessReader, 'lookUp' | 'settled'> | undefined;
}

/** Asks the detectors at the start, and again where that is configured, and adds to each resource what they know. */
export class ResourceDetection implements ResourceRule, Component {
  readonly id: string;
  readonly settled: ResourceRule['settled'];
  readonly #config: DetectionConfig;
  readonly #parts: DetectionParts;
  readonly #detected = new Map<DetectorName, Detected>();
  readonly #stopping = new AbortController();
  #revision = 0;
  #loop: Promise<void> = Promise.resolve();

  constructor(id: string, config: DetectionConfig, parts: DetectionParts) {
    this.id = id;
    this.#config = config;
    this.#parts = parts;
    const { processes } = parts;
    this.settled = processes && (() => processes.settled());
  }

  /** Number of answers of detectors so far; a process may become known at any time. */
  get revision(): number | undefined {
    return this.#parts.processes === undefined ? this.#revision : undefined;
  }

  async start(): Promise<void> {
    const faults = await this.#detectAll();
    const { failsOnMissing, refreshMs } = this.#config;
    if (failsOnMissing && faults.length > 0) throw new Error(`${this.id}: ${faults.join('; ')}`);
    const { clock } = this.#parts;
    const again = async (): Promise<void> => void (await this.#detectAll());
    if (refreshMs > 0) this.#loop = everyInterval(clock, this.#stopping.signal, () => refreshMs, again);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  apply(resource: ResourceDraft): boolean {
    const { detectors } = this.#config;
    // Each sets what is absent, so the last one that is asked must not take the place of the first.
    const names = this.#config.overrides ? detectors.toReversed() : detectors;
    for (const name of names) {
      if (name === 'process') this.#describeProcess(resource);
      else for (const [key, value] of this.#detected.get(name) ?? []) this.#put(resource, key, value);
    }
    return true;
  }

  #describeProcess(resource: ResourceDraft): void {
    const facts = this.#parts.processes?.lookUp(pidOf(resource));
    if (facts === undefined) return;
    const { attributes } = this.#config.process;
    const { containerId, executablePath } = facts;
    const known = [
      [attributeNames.processExecutablePath, executablePath],
      [attributeNames.processExecutableName, basename(executablePath)],
      [attributeNames.containerId, containerId],
    ] as const;
    for (const [key, value] of known) if (value !== '' && attributes.has(key)) this.#put(resource, key, value);
  }

  #put(resource: ResourceDraft, key: string, value: Parameters<ResourceDraft['set']>[1]): void {
    if (this.#config.overrides) resource.set(key, value);
    else resource.fill(key, value);
  }

  /** Keeps what a detector knew before where it fails now; returns the faults. */
  async #detectAll(): Promise<readonly string[]> {
    const { host, logger, clock } = this.#parts;
    const { detectors, timeoutMs } = this.#config;
    const faults: string[] = [];
    for (const name of detectors) {
      if (name === 'process') continue;
      const ended = new AbortController();
      const late = clock.sleep(timeoutMs, AbortSignal.any([ended.signal, this.#stopping.signal])).then(() => {
        ended.abort();
        throw new Error(`no answer within ${timeoutMs} ms`);
      });
      try {
        this.#detected.set(name, await Promise.race([detect(name, this.#config, host, ended.signal), late]));
        this.#revision++;
      } catch (error) {
        const reason = messageOf(error);
        faults.push(`${name}: ${reason}`);
        logger.warn({ detector: name, reason }, 'A detector does not know its attributes; profiles go without them.');
      } finally {
        ended.abort();
        late.catch(() => undefined);
      }
    }
    return faults;
  }
}
