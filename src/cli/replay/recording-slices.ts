import type { CollectedProcess, CollectedSample, Recording } from './collected.ts';

/** RecordingSlice is the content of one batch. */
export interface RecordingSlice {
  /** Time of sending, on the recording's clock. */
  readonly dueNano: bigint;
  readonly samples: readonly CollectedSample[];
  readonly exits: readonly CollectedProcess[];
  readonly isLast: boolean;
}

const sliceNano = 100_000_000n;
const maxSliceSamples = 500;

/** Cuts a recording into slices of 100 ms, and of 500 samples where that is less. A recording without samples has none. */
export function sliceRecording({ samples, processes }: Recording): RecordingSlice[] {
  const first = samples[0]?.timeNano;
  if (first === undefined) return [];
  const groups: { dueNano: bigint; samples: CollectedSample[] }[] = [];
  for (const sample of samples) {
    const dueNano = first + ((sample.timeNano - first) / sliceNano + 1n) * sliceNano;
    const group = groups.at(-1);
    if (group?.dueNano === dueNano && group.samples.length < maxSliceSamples) group.samples.push(sample);
    else groups.push({ dueNano, samples: [sample] });
  }
  const living = new Set(processes);
  return groups.map((group, index) => {
    const isLast = index === groups.length - 1;
    const exits = [...living].filter(({ endNano }) => isLast || (endNano !== undefined && endNano < group.dueNano));
    for (const process of exits) living.delete(process);
    return { ...group, exits, isLast };
  });
}
