import { integer } from '../config/config-keys.ts';
import type { ConfigKey } from '../config/config-table.ts';

/** OTLP lets a client send this much at most (https://opentelemetry.io/docs/specs/otlp/). */
const otlpMaxBytes = 64 * 1024 * 1024;

/** Key `max_request_bytes`. */
export function maxRequestBytesKey(fallback: number): ConfigKey<number> {
  const meaning = 'Bytes of a request as protobuf, before compression; larger requests are split.';
  return integer('max_request_bytes', { fallback, min: 1024, max: otlpMaxBytes }, meaning);
}
