import type { ProfilesExporter, Room } from '../exporters/export-request.ts';
import type { Admission } from '../model/admission.ts';
import type { Random } from '../support/clock.ts';

type QueueOwner = Pick<ProfilesExporter, 'id' | 'room'>;

/** A queue is full while its destination is down or slow, and is then tried again every 5 s and more seldom. */
const retryDelayMs = 5_000;

/**
 * Whether a report would be lost or would have to wait: no exporter has room, or one with `block_on_overflow` has none. One
 * that is merely full beside others is their loss alone, and counts it.
 */
export function hasNoRoomForReport(exporters: readonly QueueOwner[]): boolean {
  const rooms = exporters.map(({ room }) => room);
  return rooms.some(isHeld) || rooms.every((room) => room === 'full');
}

/** Refuses what would go into the window: nobody waits for its report, so it had better stay where it is. */
export function refuseForReport(exporters: readonly QueueOwner[], random: Random): Admission {
  return refuseWhen(() => hasNoRoomForReport(exporters), exporters, random);
}

/** Refuses OTLP requests that would be passed on; where an exporter lets them wait for room, only once no more may wait. */
export function refuseForPassThrough(exporters: readonly QueueOwner[], random: Random): Admission {
  const isFull = (): boolean => {
    const rooms = exporters.map(({ room }) => room);
    return rooms.includes('blocked') || rooms.every((room) => room === 'full');
  };
  return refuseWhen(isFull, exporters, random);
}

/** Not all senders are told to come back at the same time. */
function refuseWhen(isFull: () => boolean, exporters: readonly QueueOwner[], random: Random): Admission {
  return () => {
    if (!isFull()) return undefined;
    const ids = exporters.filter(({ room }) => room !== 'open').map(({ id }) => id);
    const reason = `the sending queue of ${ids.join(', ')} is full; send it again later`;
    return { reason, retryDelayMs: Math.round(retryDelayMs * (0.5 + random())) };
  };
}

/** Whether who comes has to wait until something has left. */
export function isHeld(room: Room): boolean {
  return room === 'waiting' || room === 'blocked';
}
