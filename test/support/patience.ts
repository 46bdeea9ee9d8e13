/** Longer than anything takes on a machine whose cores others keep busy: who waits so long waits for nothing. */
export const patienceMs = 300_000;
