import type { Logger } from 'pino';
import { countProfiles } from '../../otlp/protobuf/count-profiles.ts';
import type { Clock } from '../../support/clock.ts';
import type { ExportClient, SendResult } from '../export-client.ts';
import { fullyAccepted } from '../export-client.ts';
import type { ExportRequest } from '../export-request.ts';
import type { DebugConfig } from './debug-config.ts';
import type { LogLine } from './profile-lines.ts';
import { detailedLines, normalLines } from './profile-lines.ts';

/** Tells the log what would be sent. */
export class DebugClient implements ExportClient {
  readonly sendsProtobuf = false;
  readonly #config: DebugConfig;
  readonly #logger: Logger;
  readonly #sampler: LogSampler;

  constructor(config: DebugConfig, logger: Logger, clock: Clock) {
    this.#config = config;
    this.#logger = logger;
    this.#sampler = new LogSampler(config.samplingInitial, config.samplingThereafter, clock);
  }

  async start(): Promise<void> {}

  readonly send = async (request: ExportRequest): Promise<SendResult> => {
    if (this.#sampler.take()) {
      for (const { fields, message } of this.#linesOf(request)) this.#logger.info(fields, message);
    }
    return fullyAccepted;
  };

  async close(): Promise<void> {}

  *#linesOf(request: ExportRequest): Generator<LogLine> {
    const { bytes, sampleCount } = request;
    if (bytes !== undefined && request.isLarge) return yield summaryOf(bytes, sampleCount);
    const { data } = request;
    const profileCount = data.resourceProfiles
      .flatMap(({ scopeProfiles }) => scopeProfiles)
      .reduce((count, { profiles }) => count + profiles.length, 0);
    const fields = { 'resource profiles': data.resourceProfiles.length, profiles: profileCount };
    yield { message: 'Profiles', fields: { ...fields, 'sample records': sampleCount } };
    if (this.#config.verbosity === 'normal') yield* normalLines(data);
    if (this.#config.verbosity === 'detailed') yield* detailedLines(data);
  }
}

/** A large request in one line: to decode it, and to write a line for each profile, would stop the loop for long. */
function summaryOf(bytes: Uint8Array, sampleCount: number): LogLine {
  const { resources, profiles } = countProfiles(bytes);
  const fields = { 'resource profiles': resources, profiles, 'sample records': sampleCount, bytes: bytes.length };
  return { message: 'Profiles of a large request, which are not told one by one', fields };
}

/** Lets through the first `initial` of each second, and then every `thereafter`th (0 = none), as zap's sampler does. */
export class LogSampler {
  readonly #initial: number;
  readonly #thereafter: number;
  readonly #clock: Clock;
  #endOfSecondMs = -Infinity;
  #count = 0;

  constructor(initial: number, thereafter: number, clock: Clock) {
    this.#initial = initial;
    this.#thereafter = thereafter;
    this.#clock = clock;
  }

  take(): boolean {
    const nowMs = this.#clock.nowMs();
    if (nowMs >= this.#endOfSecondMs) {
      this.#endOfSecondMs = nowMs + 1000;
      this.#count = 0;
    }
    this.#count += 1;
    if (this.#count <= this.#initial) return true;
    return this.#thereafter > 0 && (this.#count - this.#initial) % this.#thereafter === 0;
  }
}
