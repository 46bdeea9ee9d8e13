import type { ConfigSection } from '../config/config-section.ts';

/** What OTLP lets a client send at most (https://opentelemetry.io/docs/specs/otlp/). */
const otlpMaxBytes = 64 * 1024 * 1024;

/** Reads `max_request_bytes`, the bound on a request as protobuf before compression. */
export function readMaxRequestBytes(section: ConfigSection, defaultBytes: number): number {
  return section.integer('max_request_bytes', defaultBytes, { min: 1024, max: otlpMaxBytes });
}
