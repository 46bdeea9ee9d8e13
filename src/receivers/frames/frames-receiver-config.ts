import type { ConfigSection } from '../../config/config-section.ts';
import type { GrpcServerConfig } from '../grpc-server-config.ts';
import { readGrpcServerConfig } from '../grpc-server-config.ts';
import type { TimeBounds } from './sample-time.ts';

export interface FramesReceiverConfig {
  readonly grpc: GrpcServerConfig;
  readonly timeBounds: TimeBounds;
}

const hourMs = 3_600_000;

export function readFramesReceiverConfig(section: ConfigSection): FramesReceiverConfig {
  const protocols = section.section('protocols');
  if (!protocols.has('grpc')) {
    section.addProblem('protocols', 'names no protocol', 'write "protocols: {grpc: {}}" for the defaults');
  }
  const grpc = readGrpcServerConfig(protocols.section('grpc'));
  protocols.end();
  const timeBounds = {
    // A collector that could not send for a day has nothing left to send.
    maxAgeMs: section.durationMs('max_age', 24 * hourMs, { min: 1_000 }),
    // Clocks of two machines that nobody has set agree to minutes; more is a wrong anchor or unit.
    maxFutureMs: section.durationMs('max_future', hourMs, { min: 0 }),
  };
  section.end();
  return { grpc, timeBounds };
}
