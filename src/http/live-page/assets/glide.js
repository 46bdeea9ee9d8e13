// Movement, kept short, and left out for who asked for none.

/**
 * Calls `step` with what is left of the way, from 1 to 0, once a picture; the last call is with 0. Returns what stops it.
 * @param {number} ms
 * @param {(rest: number) => void} step
 */
export function glide(ms, step) {
  const began = performance.now();
  const isStill = matchMedia('(prefers-reduced-motion: reduce)').matches;
  let request = 0;
  const next = (/** @type {number} */ now) => {
    const done = isStill ? 1 : Math.min(1, Math.max(0, (now - began) / ms));
    if (done < 1) request = requestAnimationFrame(next);
    step((1 - done) ** 3);
  };
  next(began);
  return () => cancelAnimationFrame(request);
}
