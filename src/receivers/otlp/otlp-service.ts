import { join } from 'node:path';
import type { ServiceDefinition } from '@grpc/grpc-js';
import type { PackageDefinition } from '@grpc/proto-loader';
import { loadPackage } from '../../support/lazy-package.ts';

export const profilesServiceName = 'opentelemetry.proto.collector.profiles.v1development.ProfilesService';

/** `ProfilesService` with messages as bytes: the development version is looked at before they are decoded. */
export const profilesServiceDefinition: ServiceDefinition = {
  Export: {
    path: `/${profilesServiceName}/Export`,
    requestStream: false,
    responseStream: false,
    requestSerialize: (bytes: Buffer) => bytes,
    requestDeserialize: (bytes: Buffer) => bytes,
    responseSerialize: (bytes: Buffer) => bytes,
    responseDeserialize: (bytes: Buffer) => bytes,
  },
};

/** For reflection. The files are beside `src`, and beside `dist` in what is installed. */
export function loadProfilesProto(): PackageDefinition {
  const includeDirs = [join(import.meta.dirname, '../../../proto')];
  const file = 'opentelemetry/proto/collector/profiles/v1development/profiles_service.proto';
  const { loadSync } = loadPackage<typeof import('@grpc/proto-loader')>('@grpc/proto-loader');
  return loadSync(file, { includeDirs, keepCase: true });
}
