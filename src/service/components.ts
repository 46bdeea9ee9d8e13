import { basicAuthType, bearerTokenAuthType } from '../auth/auth-extensions.ts';
import type { CheckedConfig } from '../config/check-document.ts';
import type { ProcessorType } from '../config/component-type.ts';
import { debugExporterType } from '../exporters/debug/debug-exporter.ts';
import type { ExporterType } from '../exporters/exporter-type.ts';
import { fileExporterType } from '../exporters/file/file-exporter.ts';
import { otlpGrpcExporterType } from '../exporters/otlp-grpc/otlp-grpc-exporter.ts';
import { otlpHttpExporterType } from '../exporters/otlp-http/otlp-http-exporter.ts';
import { healthCheckType } from '../http/health/health-check.ts';
import { detectionType } from '../identity/detection/detection-config.ts';
import { filterType } from '../identity/filter/filter-config.ts';
import { k8sAttributesType } from '../identity/kubernetes/k8s-attributes-config.ts';
import { resourceType } from '../identity/resource/resource-config.ts';
import { serviceNameType } from '../identity/service/service-name-config.ts';
import { memoryLimiterType } from '../memory/memory-limiter-config.ts';
import { symbolizerType } from '../native/symbolizer-config.ts';
import { framesReceiverType } from '../receivers/frames/frames-receiver.ts';
import { otlpReceiverType } from '../receivers/otlp/otlp-receiver.ts';
import type { ReceiverType } from '../receivers/receiver-type.ts';
import { reportingCycleType } from '../reporter/reporting-cycle-config.ts';
import { fileStorageType } from '../storage/file-storage.ts';
import { symbolStoreType } from '../symbols/symbol-store-config.ts';
import type { ExtensionType } from './extensions.ts';
import { livePageType } from './live-report.ts';

/** A type of component that the service can make. */
export type ServiceComponentType = ReceiverType | ProcessorType | ExporterType | ExtensionType;

/** A checked configuration of components that the service can make. */
export type ServiceConfig = CheckedConfig<ServiceComponentType>;

/** All types of components: a new type is a line here. */
export const componentTypes: readonly ServiceComponentType[] = [
  framesReceiverType,
  otlpReceiverType,
  memoryLimiterType,
  symbolStoreType,
  symbolizerType,
  resourceType,
  filterType,
  detectionType,
  k8sAttributesType,
  serviceNameType,
  reportingCycleType,
  otlpGrpcExporterType,
  otlpHttpExporterType,
  fileExporterType,
  debugExporterType,
  fileStorageType,
  bearerTokenAuthType,
  basicAuthType,
  healthCheckType,
  livePageType,
];
