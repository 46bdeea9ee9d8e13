import type { Logger } from 'pino';
import type { ComponentOf } from '../config/check-document.ts';
import type { ProfilesExporter } from '../exporters/profiles-exporter.ts';
import { Journal } from '../journal/journal.ts';
import { createJournalEvents } from '../journal/journal-events.ts';
import { createProcessMemory } from '../memory/process-memory.ts';
import type { ResourceEditor } from '../otlp/resource-edit.ts';
import { resourceOf } from '../profile/build/resource-of.ts';
import type { WindowResource } from '../profile/build/window-contents.ts';
import type { ReporterEvents, WindowStats } from '../reporter/reporter-events.ts';
import { createReporterEvents } from '../reporter/reporter-events.ts';
import { ReportingCycle } from '../reporter/reporting-cycle.ts';
import type { ReportingCycleConfig } from '../reporter/reporting-cycle-config.ts';
import type { WindowLimits } from '../reporter/trace-intake.ts';
import { TraceIntake } from '../reporter/trace-intake.ts';
import type { SegmentLog } from '../storage/segment-log.ts';
import type { Component } from '../support/lifecycle.ts';
import { componentLogger } from '../support/logger.ts';
import { ExporterOutlet } from './exporter-outlet.ts';
import { hasNoRoomForReport } from './fan-out.ts';
import { MergeIntoCycle } from './merge-into-cycle.ts';
import type { NodeNames } from './node-names.ts';
import type { PipelineOutlets, PipelineParts } from './pipeline.ts';
import type { NamedAdmission } from './pipeline-admissions.ts';

/** Parts of a pipeline, with its rules for resources. */
export interface EditingParts extends PipelineParts {
  readonly editor: ResourceEditor;
}

/** Parts of a pipeline with a reporting cycle. */
export interface CyclePart {
  readonly intake: TraceIntake;
  readonly merged: MergeIntoCycle | undefined;
  readonly journal: Journal | undefined;
  readonly admissions: {
    readonly frames: readonly NamedAdmission[];
    readonly otlp: readonly NamedAdmission[];
  };
  /** Takes another pace and other bounds; what the window holds stays. */
  reconfigure(config: ReportingCycleConfig): void;
  /** In the order of starting. */
  readonly components: readonly Component[];
}

/** The window with the ways into it, the journal that keeps it, and the cycle that hands its reports over. */
export function createCyclePart(
  pipelineId: string,
  { id, config }: ComponentOf<ReportingCycleConfig>,
  names: NodeNames,
  outlets: PipelineOutlets,
  parts: EditingParts,
): CyclePart {
  const { exporters, journalLog } = outlets;
  const { store, native } = names;
  const { heapLimitBytes = createProcessMemory().heapLimitBytes, logger } = parts;
  const limitsOf = (next: ReportingCycleConfig): WindowLimits => windowLimitsOf(next, heapLimitBytes);
  const { maxBytes } = limitsOf(config);
  if (maxBytes < config.maxBytes) {
    const fields = { processor: id, max_bytes: config.maxBytes, window_max_bytes: maxBytes };
    logger.info(fields, "The window has less than max_bytes: an eighth of the heap's limit.");
  }
  const { intake, merged, setLimits } = createWindow(config, { names, parts, limitsOf }, () => cycle.endEarly());
  const events = createReporterEvents(parts, () => statsOf(intake, merged));
  const outlet = createOutlet(exporters, events, parts.logger);
  const journal = journalLog && createJournal(pipelineId, id, { log: journalLog, intake, parts });
  const cycle: ReportingCycle = new ReportingCycle(id, config, {
    ...parts,
    ...{ symbols: store, native, intake, merged, events, outlet, journal },
    consumers: outlets.consumers(store),
    isHeldUp: () => hasNoRoomForReport(exporters),
  });

  const waiting = { name: 'report_waits', ask: outlet.admission };
  const kept = journal === undefined ? [] : [{ name: 'journal', ask: journal.admission }];
  // OTLP that passes through goes into no window, and so into no journal.
  const joining = merged === undefined ? [] : [...kept, { name: 'window_full', ask: merged.admission }];
  const reconfigure = (next: ReportingCycleConfig): void => {
    setLimits(next);
    cycle.reconfigure(next);
  };
  return {
    ...{ intake, merged, journal, reconfigure },
    admissions: { frames: [waiting, ...kept], otlp: [waiting, ...joining] },
    components: [...(journal === undefined ? [] : [journal]), cycle],
  };
}

interface WindowParts {
  readonly names: NodeNames;
  readonly parts: EditingParts;
  readonly limitsOf: (config: ReportingCycleConfig) => WindowLimits;
}

/** The two ways into a window: raw frame samples, and OTLP profiles where these are merged. They share its bounds. */
function createWindow(
  config: ReportingCycleConfig,
  { names, parts, limitsOf }: WindowParts,
  onHalfFull: () => void,
): Pick<CyclePart, 'intake' | 'merged'> & { readonly setLimits: (config: ReportingCycleConfig) => void } {
  const { store, native } = names;
  const onResources = (resources: readonly WindowResource[]): void =>
    parts.editor.foresee?.(resources.map((each) => resourceOf(each).attributes));
  const helpers = { native, onHalfFull, onResources };
  // Read by the merged profiles at each request.
  const limits = limitsOf(config);
  const setLimits = (next: ReportingCycleConfig): void => intake.setLimits(Object.assign(limits, limitsOf(next)));
  const merged =
    config.otlpProfiles === 'pass_through'
      ? undefined
      : new MergeIntoCycle({ ...parts, names, limits, window: () => intake.claimed });
  const shared = merged === undefined ? limits : { ...limits, merged };
  const intake: TraceIntake = new TraceIntake(store, shared, parts.clock, helpers);
  return { intake, merged, setLimits };
}

/** The heap's limit in windows: a report takes several times the bytes of its window while it is made. */
const heapPerWindow = 8;

/** Bounds of the window: of `max_bytes` no more than an eighth of the heap's limit, which made-up frames must not fill. */
export function windowLimitsOf(
  { maxEvents, maxBytes, intervalMs }: ReportingCycleConfig,
  heapLimitBytes: number,
): WindowLimits {
  return {
    maxEvents,
    maxBytes: Math.min(maxBytes, Math.floor(heapLimitBytes / heapPerWindow)),
    retryDelayMs: intervalMs,
  };
}

function statsOf(intake: TraceIntake, merged: MergeIntoCycle | undefined): WindowStats {
  const { events, bytes, rejectedSamples } = intake.stats;
  if (merged === undefined) return { events, bytes, rejectedSamples };
  const { usage } = merged;
  return {
    events: events + usage.events,
    bytes: bytes + usage.bytes,
    rejectedSamples: { ...rejectedSamples, window_full: rejectedSamples.window_full + merged.rejectedSamples },
  };
}

function createOutlet(exporters: readonly ProfilesExporter[], events: ReporterEvents, logger: Logger): ExporterOutlet {
  return new ExporterOutlet(exporters, {
    logger,
    onFailure: (error, { sampleCount }) => events.deliveryFailed(error, sampleCount),
  });
}

/** Creates the journal, whose samples are in the window again before anything comes in. */
function createJournal(
  pipelineId: string,
  cycleId: string,
  { log, intake, parts }: { readonly log: SegmentLog; readonly intake: TraceIntake; readonly parts: PipelineParts },
): Journal {
  const { clock, meter } = parts;
  const logger = componentLogger(parts.logger, 'processor', cycleId);
  const events = createJournalEvents(pipelineId, { logger, meter, clock });
  return new Journal(cycleId, { log, clock, events, countEvents: () => intake.window.events.count });
}
