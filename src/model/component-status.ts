/**
 * States of a component, as the Collector names them
 * (https://github.com/open-telemetry/opentelemetry-collector/blob/main/docs/component-status.md).
 */
export type ComponentStatus =
  | 'none'
  | 'starting'
  | 'ok'
  | 'recoverable_error'
  | 'permanent_error'
  | 'fatal_error'
  | 'stopping'
  | 'stopped';

/**
 * States that a started component reports of itself. `recoverable_error`: work is retried and may succeed by itself, e.g. while a
 * backend is down. `permanent_error`: a person has to act, e.g. on refused credentials; `ok` follows once that has happened.
 */
export type RunningStatus = Extract<ComponentStatus, 'ok' | 'recoverable_error' | 'permanent_error'>;

/** Takes the status of one component, with the time of the call. `error` is a sentence without secrets; absent with `ok`. Never throws. */
export type ReportStatus = (status: RunningStatus, error?: string) => void;
