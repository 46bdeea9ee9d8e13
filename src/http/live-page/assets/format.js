// Numbers, values and profile types as a person reads them.

const integers = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** @param {number} value */
export function formatCount(value) {
  return integers.format(value);
}

/**
 * Three digits at most: `0.42`, `12.3`, `4,210`, `1.23 M`.
 * @param {number} value
 */
export function formatShort(value) {
  if (value >= 1e9) return `${digits(value / 1e9)} G`;
  if (value >= 1e6) return `${digits(value / 1e6)} M`;
  return value >= 100 || Number.isInteger(value) ? formatCount(value) : digits(value);
}

/** @param {number} bytes */
export function formatBytes(bytes) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  let value = bytes;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${unit === 0 ? formatCount(value) : digits(value)} ${units[unit]}`;
}

/** @param {number} ms */
export function formatMs(ms) {
  if (ms < 1) return `${digits(ms * 1000)} µs`;
  if (ms < 1000) return `${digits(ms)} ms`;
  if (ms < 120_000) return `${digits(ms / 1000)} s`;
  return ms < 7_200_000 ? `${digits(ms / 60_000)} min` : `${digits(ms / 3_600_000)} h`;
}

/**
 * @param {number} part
 * @param {number} whole
 */
export function formatPercent(part, whole) {
  const percent = whole > 0 ? (100 * part) / whole : 0;
  if (percent > 0 && percent < 0.01) return '< 0.01 %';
  return `${percent >= 99.995 ? '100' : percent.toFixed(percent < 10 ? 2 : 1)} %`;
}

/**
 * A value of a profile type. Samples of a sampled clock are also told as the time that they stand for.
 * @param {number} value
 * @param {{ sampleType: string, sampleUnit: string, periodUnit: string, period: number }} type
 */
export function formatValue(value, { sampleType, sampleUnit, periodUnit, period }) {
  if (sampleUnit === 'nanoseconds') return formatMs(value / 1e6);
  if (sampleUnit === 'microseconds') return formatMs(value / 1e3);
  if (sampleUnit === 'milliseconds') return formatMs(value);
  if (sampleUnit === 'seconds') return formatMs(value * 1e3);
  if (sampleUnit === 'bytes') return formatBytes(value);
  const noun = sampleUnit === 'count' ? (value === 1 ? sampleType.replace(/s$/, '') : sampleType) : sampleUnit;
  const count = `${formatCount(value)} ${noun}`;
  return periodUnit === 'nanoseconds' && period > 0 ? `${count}, ${formatMs((value * period) / 1e6)}` : count;
}

/** A value where there is little room: the time of samples of a clock, else the count. @param {number} value @param {any} type */
export function formatBrief(value, type) {
  const text = formatValue(value, type);
  return text.slice(text.lastIndexOf(', ') + 1).trim();
}

/**
 * @param {{ sampleType: string, sampleUnit: string, periodType: string, periodUnit: string, period: number }} type
 */
export function formatType({ sampleType, sampleUnit, periodType, periodUnit, period }) {
  const unit = sampleUnit === 'count' ? '' : ` (${sampleUnit})`;
  if (periodType === '') return `${sampleType}${unit}`;
  const rate = periodUnit === 'nanoseconds' && period > 0 ? `, ${digits(1e9 / period)} Hz` : '';
  return sampleType === 'samples' ? `${periodType} ${sampleType}${rate}` : `${sampleType}${unit}${rate}`;
}

/** @param {number} value */
function digits(value) {
  if (value >= 99.95 || Number.isInteger(value)) return formatCount(value);
  return value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
}
