import { status } from '@grpc/grpc-js';
import type { ResourceProfiles } from '../../src/otlp/profiles-data.ts';
import { decodeProfilesData } from '../../src/otlp/protobuf/decode-profiles-data.ts';
import type { Answer } from './otlp-answer.ts';
import type { HttpScriptAnswer } from './otlp-http-server.ts';

/** A refusal as Grafana Pyroscope 2.2 was seen to write it, over both protocols. */
interface Refusal {
  readonly http: number;
  readonly grpc: status;
  readonly message: string;
}

export interface PyroscopeHabits {
  /** The first requests find it starting. */
  readonly startingCount?: number;
  /** The first requests exceed its rate limit, whatever is in them. */
  readonly throttledCount?: number;
  /** Of a request with several series it stores the first half, and refuses the rest for its rate limit. */
  readonly isRateLimited?: boolean;
  /** Series whose profiles it refuses for good, by service. */
  readonly refusedServices?: readonly string[];
  /** The first requests have a wrong token. */
  readonly unauthorizedCount?: number;
}

/**
 * The habits of Pyroscope that cost data, made from what was measured: a request is stored series by series and answered with an
 * error if one was refused; of profiles with equal labels and time one is kept; 500 stands for statuses of its own parts; all
 * labels come before a reason.
 */
export class FakePyroscope {
  readonly #habits: PyroscopeHabits;
  /** Samples of each stored profile by labels and time. */
  readonly #stored = new Map<string, number>();
  #requestCount = 0;

  constructor(habits: PyroscopeHabits = {}) {
    this.#habits = habits;
  }

  /** Samples that a query would show after compaction. */
  get sampleCount(): number {
    return [...this.#stored.values()].reduce((sum, count) => sum + count, 0);
  }

  readonly http = (): HttpScriptAnswer => ({
    kind: 'read',
    answer: (bytes) => {
      const refusal = this.#take(bytes);
      if (refusal === undefined) return { kind: 'response', status: 200 };
      const { http, message } = refusal;
      const headers = { 'content-type': 'application/json' };
      return { kind: 'response', status: http, headers, body: JSON.stringify({ code: 2, message }) };
    },
  });

  readonly grpc = (): Answer => ({
    kind: 'read',
    answer: (bytes) => {
      const refusal = this.#take(bytes);
      return refusal === undefined ? { kind: 'ok' } : { kind: 'status', code: refusal.grpc, details: refusal.message };
    },
  });

  #take(bytes: Uint8Array): Refusal | undefined {
    const {
      startingCount = 0,
      throttledCount = 0,
      unauthorizedCount = 0,
      isRateLimited = false,
      refusedServices = [],
    } = this.#habits;
    this.#requestCount += 1;
    if (this.#requestCount <= startingCount) {
      const message = 'failed to push: rpc error: code = Unavailable desc = service is unavailable';
      return { http: 500, grpc: status.UNAVAILABLE, message };
    }
    if (this.#requestCount <= throttledCount) {
      return { http: 429, grpc: status.RESOURCE_EXHAUSTED, message: 'ingestion rate limit (0.01 MB) exceeded' };
    }
    if (this.#requestCount <= unauthorizedCount) {
      return { http: 401, grpc: status.UNAUTHENTICATED, message: 'no org id' };
    }
    const { resourceProfiles } = decodeProfilesData(bytes);
    const errors: Refusal[] = [];
    for (const [index, resource] of resourceProfiles.entries()) {
      const labels = labelsOf(resource);
      if (isRateLimited && resourceProfiles.length > 1 && index >= resourceProfiles.length / 2) {
        const message = `resource_exhausted: rate limit exceeded for series '${labels}'`;
        errors.push({ http: 429, grpc: status.RESOURCE_EXHAUSTED, message });
      } else if (refusedServices.some((service) => labels.includes(`service_name="${service}"`))) {
        const message = `invalid_argument: profile series '${labels}' is outside of the ingestion window`;
        errors.push({ http: 400, grpc: status.INVALID_ARGUMENT, message });
      } else this.#store(labels, resource);
    }
    const [first] = errors;
    if (first === undefined || errors.length === 1) return first;
    return { ...first, message: `${errors.length} errors: ${errors.map(({ message }) => message).join('; ')}` };
  }

  #store(labels: string, { scopeProfiles }: ResourceProfiles): void {
    for (const { timeUnixNano, samples } of scopeProfiles.flatMap(({ profiles }) => profiles)) {
      this.#stored.set(`${labels} ${timeUnixNano}`, samples.length);
    }
  }
}

/** Some 3,000 characters, as with the labels of a Kubernetes pod. */
function labelsOf({ resource }: ResourceProfiles): string {
  const attributes = resource.attributes.map(({ key, value }) => `${key.replaceAll('.', '_')}="${value}"`);
  const rest = Array.from({ length: 60 }, (_, index) => `k8s.pod.label.app.kubernetes.io/part-${index}="framekeeper"`);
  return `{__delta__="false", __name__="process_cpu", ${[...attributes, ...rest].join(', ')}}`;
}
