import { duration, section, sectionIfPresent } from '../../config/config-keys.ts';
import type { ConfigOf } from '../../config/config-table.ts';
import { configTable } from '../../config/config-table.ts';
import { grpcServerTable } from '../grpc-server-config.ts';

const hourMs = 3_600_000;

const protocolsTable = configTable({
  about: 'The protocols of the receiver.',
  keys: { grpc: sectionIfPresent('grpc', grpcServerTable) },
});

/** Receiver `frames`. */
export const framesReceiverTable = configTable(
  {
    about: 'Takes raw frame samples from eBPF collectors over gRPC (`proto/framekeeper/frames/v1/frames.proto`).',
    keys: {
      protocols: section('protocols', protocolsTable),
      // A collector that could not send for a day has nothing left to send.
      maxAgeMs: duration(
        'max_age',
        { fallback: 24 * hourMs, min: 1_000 },
        'Samples that are older when they arrive are rejected.',
      ),
      // Clocks of two machines that nobody has set agree to minutes; more is a wrong anchor or unit.
      maxFutureMs: duration(
        'max_future',
        { fallback: hourMs, min: 0 },
        'Samples that are further in the future when they arrive are rejected.',
      ),
    },
  },
  ({ protocols, maxAgeMs, maxFutureMs }, own) => {
    if (protocols.grpc === undefined) {
      own.addProblem('protocols', 'names no protocol', 'write "protocols: {grpc: {}}" for the defaults');
    }
    const grpc = protocols.grpc ?? grpcServerTable.read(own.section('protocols').section('grpc'));
    return { grpc, timeBounds: { maxAgeMs, maxFutureMs } };
  },
);

export type FramesReceiverConfig = ConfigOf<typeof framesReceiverTable>;
