import { status } from '@grpc/grpc-js';
import type { Refusal } from '../rpc-status.ts';

/**
 * By which senders say what schema of the profiles they wrote, as long as the signal is in development
 * (https://github.com/open-telemetry/opentelemetry-proto/pull/857).
 */
export const developmentVersionKey = 'otlp-profiles-development-version';

/** Looked at before anything is decoded: another schema has other field numbers. `undefined` when the request may be read. */
export function refuseDevelopmentVersion(values: readonly string[]): Refusal | undefined {
  if (values.length === 0 || (values.length === 1 && values[0] === '1')) return undefined;
  const isOne = values.length === 1 && !values[0]!.includes(',');
  const problem = isOne ? 'invalid or unsupported' : 'must contain exactly one value';
  const message = isOne
    ? `${problem} ${developmentVersionKey}: supported version is 1`
    : `${developmentVersionKey} ${problem}`;
  return { code: status.INVALID_ARGUMENT, message };
}
