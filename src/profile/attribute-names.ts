/**
 * Attribute keys that leave the process. Those of the semantic conventions as of v1.44
 * (https://opentelemetry.io/docs/specs/semconv/registry/attributes/); `process.context.label.*` is what the
 * OpenTelemetry eBPF profiler calls an application's own labels; what neither knows has our own prefix.
 */
export const attributeNames = {
  serviceName: 'service.name',
  containerId: 'container.id',
  processPid: 'process.pid',
  processExecutablePath: 'process.executable.path',
  processExecutableName: 'process.executable.name',
  threadId: 'thread.id',
  threadName: 'thread.name',
  cpuLogicalNumber: 'cpu.logical_number',
  labelPrefix: 'process.context.label.',
  frameType: 'profile.frame.type',
  gnuBuildId: 'process.executable.build_id.gnu',
  goBuildId: 'process.executable.build_id.go',
  htlHash: 'process.executable.build_id.htlhash',
  fileId: 'framekeeper.file_id',
  stackTruncated: 'framekeeper.stack.truncated',
} as const;
