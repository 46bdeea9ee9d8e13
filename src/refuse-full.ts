import type { ProfilesExporter } from './exporters/export-request.ts';
import type { Admission } from './model/admission.ts';
import type { Random } from './support/clock.ts';

/** A queue is full while its destination is down or slow, and is then tried again every 5 s and more seldom. */
const retryDelayMs = 5_000;

/** Whether a report would be lost: no exporter has room. One that is full beside others is their loss alone, and counts it. */
export function areFull(exporters: readonly Pick<ProfilesExporter, 'room'>[]): boolean {
  return exporters.every(({ room }) => room === 'full');
}

/** Refuses while the exporters are full; not all senders are told to come back at the same time. */
export function refuseFull(exporters: readonly Pick<ProfilesExporter, 'id' | 'room'>[], random: Random): Admission {
  return () => {
    if (!areFull(exporters)) return undefined;
    const ids = exporters.filter(({ room }) => room !== 'open').map(({ id }) => id);
    const reason = `the sending queue of ${ids.join(', ')} is full; send it again later`;
    return { reason, retryDelayMs: Math.round(retryDelayMs * (0.5 + random())) };
  };
}
