import { basicAuthType, bearerTokenAuthType } from '../auth/auth-extensions.ts';
import type { ConfiguredComponent } from '../config/check-document.ts';
import type { ComponentType } from '../config/component-type.ts';
import type { DebugConfig } from '../exporters/debug/debug-config.ts';
import { debugExporterType } from '../exporters/debug/debug-config.ts';
import { createDebugExporter } from '../exporters/debug/debug-exporter.ts';
import type { ExporterDependencies } from '../exporters/exporter-dependencies.ts';
import type { FileConfig } from '../exporters/file/file-config.ts';
import { fileExporterType } from '../exporters/file/file-config.ts';
import { createFileExporter } from '../exporters/file/file-exporter.ts';
import type { OtlpGrpcConfig } from '../exporters/otlp-grpc/otlp-grpc-config.ts';
import { otlpGrpcExporterType } from '../exporters/otlp-grpc/otlp-grpc-config.ts';
import { createOtlpGrpcExporter } from '../exporters/otlp-grpc/otlp-grpc-exporter.ts';
import type { OtlpHttpConfig } from '../exporters/otlp-http/otlp-http-config.ts';
import { otlpHttpExporterType } from '../exporters/otlp-http/otlp-http-config.ts';
import { createOtlpHttpExporter } from '../exporters/otlp-http/otlp-http-exporter.ts';
import type { ProfilesExporter } from '../exporters/profiles-exporter.ts';
import { readHealthCheckConfig } from '../http/health/health-check-config.ts';
import { readLivePageConfig } from '../http/live-page/live-page-config.ts';
import { readMemoryLimiterConfig } from '../memory/memory-limiter-config.ts';
import { readFramesReceiverConfig } from '../receivers/frames/frames-receiver-config.ts';
import { readOtlpReceiverConfig } from '../receivers/otlp/otlp-receiver-config.ts';
import { readReportingCycleConfig } from '../reporter/reporting-cycle-config.ts';
import { fileStorageType } from '../storage/file-storage-config.ts';
import type { Component } from '../support/component.ts';
import { version } from '../support/version.ts';
import { readSymbolStoreConfig } from '../symbols/symbol-store-config.ts';

/** Everything that can stand in a configuration. */
export const componentTypes: readonly ComponentType[] = [
  { kind: 'receiver', type: 'frames', aliases: [], stability: 'alpha', read: readFramesReceiverConfig },
  { kind: 'receiver', type: 'otlp', aliases: [], stability: 'alpha', read: readOtlpReceiverConfig },
  { kind: 'processor', type: 'memory_limiter', aliases: [], stability: 'alpha', read: readMemoryLimiterConfig },
  { kind: 'processor', type: 'symbol_store', aliases: [], stability: 'alpha', read: readSymbolStoreConfig },
  { kind: 'processor', type: 'reporting_cycle', aliases: [], stability: 'alpha', read: readReportingCycleConfig },
  otlpGrpcExporterType,
  otlpHttpExporterType,
  fileExporterType,
  debugExporterType,
  fileStorageType,
  bearerTokenAuthType,
  basicAuthType,
  { kind: 'extension', type: 'health_check', aliases: [], stability: 'alpha', read: readHealthCheckConfig },
  { kind: 'extension', type: 'live_page', aliases: [], stability: 'alpha', read: readLivePageConfig },
];

/** The exporter of a configured component, by its type. */
export function createExporter(
  { id, type, config }: ConfiguredComponent,
  dependencies: ExporterDependencies,
): Component & ProfilesExporter {
  switch (type.type) {
    case 'otlp_grpc':
      return createOtlpGrpcExporter(id, config as OtlpGrpcConfig, { ...dependencies, version });
    case 'otlp_http':
      return createOtlpHttpExporter(id, config as OtlpHttpConfig, { ...dependencies, version });
    case 'file':
      return createFileExporter(id, config as FileConfig, dependencies);
    case 'debug':
      return createDebugExporter(id, config as DebugConfig, dependencies);
    default:
      throw new TypeError(`${id}: there is no exporter of type ${type.type}`);
  }
}
