import type { Executable } from '../model/executable.ts';
import type { FrameKind } from '../model/frame-kind.ts';
import { frameKinds, frameTypeName } from '../model/frame-kind.ts';
import type { SymbolLookup } from '../model/frame-symbol.ts';
import type { TraceEvents, WindowContents } from '../profile/build/window-contents.ts';
import type { Steps } from '../support/steps.ts';
import { eachInSteps } from '../support/steps.ts';
import type { NativeNames } from './native-names.ts';
import type { FileOwner, SampleWindow } from './sample-window.ts';
import type { SymbolSession, UnknownReason } from './symbol-source.ts';

/** Frames of one window that have no name, by why, and of which type. */
export interface UnresolvedFrames {
  /** Of native frames that this node's files were searched for, what came of that. */
  readonly reason: UnknownReason | 'unknown_kind' | (string & {});
  readonly frameType: string;
  readonly count: number;
}

/**
 * Looks once more for the names that a window still lacks: one that came after its sample counts as well. Nothing comes into the window
 * between the steps.
 */
export function* resolveLateNames(window: SampleWindow, store: SymbolSession): Steps<void> {
  const tables = new Map<number, SymbolLookup | undefined>();
  let lookUps = 0;
  for (let frame = 0; frame < window.symbols.length; frame++) {
    if (window.symbols[frame] !== undefined) continue;
    if (++lookUps % lookUpsPerStep === 0) yield;
    const file = window.frames.file(frame);
    const { owner, isClosed } = window.files[file]!;
    if (!tables.has(file)) tables.set(file, isClosed ? undefined : openOwner(owner, store));
    window.nameFrame(frame, tables.get(file)?.find(window.frames.addressHigh(frame), window.frames.addressLow(frame)));
  }
}

/** Look-ups in the store of one step, some tenth of a millisecond. */
const lookUpsPerStep = 256;
/** Frames of stacks, and events, that are looked at in one step. */
const framesPerStep = 16_384;

/** The frames of `events` that have no name, and why. */
export function* countUnresolved(
  window: SampleWindow,
  events: TraceEvents,
  store: SymbolSession,
  native?: NativeNames,
): Steps<UnresolvedFrames[]> {
  const counts = new Map<string, { reason: UnresolvedFrames['reason']; frameType: string; count: number }>();
  let lookUps = 0;
  for (const frame of yield* unnamedFrames(window, events)) {
    if (++lookUps % lookUpsPerStep === 0) yield;
    const kind = window.frames.kind(frame);
    const { owner } = window.files[window.frames.file(frame)]!;
    const reason = nativeReason(window, frame, owner, native) ?? reasonOf(window, frame, owner, kind, store);
    const key = `${reason} ${kind}`;
    const entry = counts.get(key) ?? { reason, frameType: frameTypeName(kind), count: 0 };
    entry.count++;
    counts.set(key, entry);
  }
  return [...counts.values()];
}

function nativeReason(
  window: SampleWindow,
  frame: number,
  owner: FileOwner,
  native: NativeNames | undefined,
): string | undefined {
  return native?.reasonOf(owner, window.frames.addressHigh(frame), window.frames.addressLow(frame));
}

/** Frames without a name in the stacks of `events`, each once. */
function* unnamedFrames({ symbols, samples, stacks }: SampleWindow, events: TraceEvents): Steps<Set<number>> {
  const frames = new Set<number>();
  if (!symbols.includes(undefined)) return frames;
  const seenStacks = new Uint8Array(stacks.count);
  let seen = 0;
  for (let event = 0; event < events.count; event++) {
    if (++seen > framesPerStep) {
      seen = 0;
      yield;
    }
    const stack = samples.stack(events.sample(event));
    if (seenStacks[stack] === 1) continue;
    seenStacks[stack] = 1;
    seen += stacks.startOf(stack + 1) - stacks.startOf(stack);
    for (let at = stacks.startOf(stack); at < stacks.startOf(stack + 1); at++) {
      const frame = stacks.frameAt(at);
      if (symbols[frame] === undefined) frames.add(frame);
    }
  }
  return frames;
}

/** The window's `events` as the profile stage reads them, with what the store knows of each file now. */
export function* contentsOf(window: SampleWindow, events: TraceEvents, store: SymbolSession): Steps<WindowContents> {
  const files: WindowContents['files'][number][] = [];
  yield* eachInSteps(window.files, ({ owner, executable: kept }) => {
    const fileId = owner.kind === 'file' ? owner.fileId : undefined;
    const known: Executable | undefined = fileId === undefined ? undefined : store.executable(fileId);
    files.push({ fileId, executable: known ?? kept });
  });
  const { resources, profileTypes, mappings, frames, symbols, stacks, links, threadNames, labels, samples } = window;
  return {
    ...{ resources, profileTypes, files, mappings, frames, symbols },
    ...{ stacks, links, threadNames, labels, samples, events },
  };
}

function openOwner(owner: FileOwner, store: SymbolSession): SymbolLookup | undefined {
  return owner.kind === 'file' ? store.openFile(owner.fileId) : store.openProcess(owner.instanceId, owner.process);
}

function reasonOf(
  window: SampleWindow,
  frame: number,
  owner: FileOwner,
  kind: FrameKind,
  store: SymbolSession,
): UnresolvedFrames['reason'] {
  if (kind === frameKinds.unspecified) return 'unknown_kind';
  if (owner.kind === 'process') return 'never_submitted';
  return store.reasonUnknown(owner.fileId, window.frames.addressHigh(frame), window.frames.addressLow(frame));
}
