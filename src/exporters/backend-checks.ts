import type { ConfigSection } from '../config/config-section.ts';
import { formatDurationMs } from '../config/duration.ts';
import type { DialectName } from '../profile/dialects/dialect.ts';
import { pyroscopeLimits } from '../profile/dialects/pyroscope.ts';
import type { Compression } from './compression.ts';
import type { RetryConfig } from './retry-config.ts';
import type { SendingQueueConfig } from './sending-queue-config.ts';

interface SendingConfig {
  readonly dialect: DialectName;
  readonly compression: Compression;
  readonly queue: SendingQueueConfig;
  readonly retry: RetryConfig;
}

/** Reports what the backend of a dialect is known to refuse, and settings that defeat each other. */
export function checkBackend(section: ConfigSection, protocol: 'grpc' | 'http', config: SendingConfig): void {
  const { dialect, compression, queue } = config;
  if (compression === 'zstd' && (dialect === 'pyroscope' || dialect === 'parca')) {
    const problem = `is "zstd", which ${dialect} does not take`;
    section.addProblem('compression', problem, 'write gzip or none');
  }
  if (protocol === 'http' && (dialect === 'parca' || dialect === 'devfiler')) {
    const problem = `is "${dialect}", which takes OTLP over gRPC alone`;
    section.addProblem('dialect', problem, 'use an otlp_grpc exporter');
  }
  if (dialect === 'pyroscope') checkBatch(section, queue);
  warnOfLostOutage(section, config);
}

/** Warns of a queue on disk whose requests are dropped before an outage is over. */
export function warnOfLostOutage(
  section: ConfigSection,
  { queue, retry }: Pick<SendingConfig, 'queue' | 'retry'>,
): void {
  if (queue.storage === '' || !retry.enabled || retry.maxElapsedTimeMs === 0) return;
  const time = formatDurationMs(retry.maxElapsedTimeMs);
  const warning = `${time}: a request is dropped when an outage lasts longer, although sending_queue.storage keeps it; write "max_elapsed_time: 0s" to keep the start of every outage`;
  section.section('retry_on_failure').addWarning('max_elapsed_time', warning);
}

/** A batch joins what the dialect has cut to the limits of the backend. */
function checkBatch(section: ConfigSection, { batch }: SendingQueueConfig): void {
  if (batch === undefined) return;
  const { maxSamples, maxConvertedBytes } = pyroscopeLimits;
  const limit = batch.sizer === 'items' ? maxSamples : maxConvertedBytes;
  if (batch.maxSize > 0 && batch.maxSize <= limit) return;
  const size = batch.maxSize === 0 ? '0, which is no bound' : String(batch.maxSize);
  const problem = `is ${size}; pyroscope takes profiles of ${limit} ${batch.sizer} at most`;
  section.section('sending_queue').section('batch').addProblem('max_size', problem, `write ${limit} or less`);
}
