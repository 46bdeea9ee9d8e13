import type { FastifyInstance } from 'fastify';
import type { HttpMount } from '../http-server.ts';

/** Text of all metrics, as OpenMetrics 1.0.0 or in the Prometheus text format 0.0.4. */
export type CollectText = (isOpenMetrics: boolean) => Promise<string>;

const openMetricsType = 'application/openmetrics-text; version=1.0.0; charset=utf-8';
const plainType = 'text/plain; version=0.0.4; charset=utf-8';

/** `/metrics` for Prometheus. Any method is answered, as by the Collector. */
export class MetricsEndpoint implements HttpMount {
  readonly id = 'metrics';
  readonly #collectText: CollectText;
  readonly #hasTypeSuffix: boolean;

  /** `hasTypeSuffix`: names of counters end in `_total` in both formats. */
  constructor(collectText: CollectText, hasTypeSuffix = false) {
    this.#collectText = collectText;
    this.#hasTypeSuffix = hasTypeSuffix;
  }

  addRoutes(app: FastifyInstance): void {
    app.all('/metrics', async ({ headers }, reply) => {
      const isOpenMetrics = wantsOpenMetrics(headers.accept ?? '', this.#hasTypeSuffix);
      const text = await this.#collectText(isOpenMetrics);
      return reply
        .header('vary', 'Accept')
        .type(isOpenMetrics ? openMetricsType : plainType)
        .send(text);
    });
  }
}

/**
 * Prometheus asks for OpenMetrics first and takes plain text as well. Where the two formats name a counter differently,
 * Prometheus gets plain text, so that the names in alert rules stay; elsewhere its preference decides.
 */
function wantsOpenMetrics(accept: string, areNamesAlike: boolean): boolean {
  const ranges = accept.toLowerCase().split(',').map(parseRange);
  const weightOf = (isWanted: (range: MediaRange) => boolean) =>
    Math.max(0, ...ranges.filter(isWanted).map(({ weight }) => weight));
  const openMetrics = weightOf(({ type, version }) => type === 'application/openmetrics-text' && version === '1.0.0');
  const plain = weightOf(({ type }) => type === 'text/plain' || type === 'text/*');
  return openMetrics > 0 && (plain === 0 || (areNamesAlike && openMetrics >= plain));
}

interface MediaRange {
  readonly type: string;
  readonly version: string;
  /** From 0 to 1. */
  readonly weight: number;
}

function parseRange(text: string): MediaRange {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim());
  const values = new Map(parameters.map((parameter) => [parameter.split('=')[0]!, parameter.split('=')[1] ?? '']));
  const version = values.get('version')?.replaceAll('"', '') ?? '1.0.0';
  return { type, version, weight: Number(values.get('q') ?? 1) || 0 };
}
