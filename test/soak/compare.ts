import { contestants } from './contestants.ts';
import { cyclesPerHour } from './fleet.ts';

// Usage: node test/soak/compare.ts [DAYS]
// Prints, as Markdown, what five stores make of the same simulated days.
const days = Number(process.argv[2] ?? 7);
if (!(days > 0)) {
  console.error('Usage: compare [DAYS]');
  process.exit(2);
}
const bytesEvery = 60;

console.log(
  `| Store | Unresolved frames | Bad cycles of ${(days * 24 * cyclesPerHour).toLocaleString('en-US')} | Peak MB | MB after the last hour | Seconds |`,
);
console.log('|---|--:|--:|--:|--:|--:|');
for (const [name, create] of contestants) {
  const { soak, bytes } = create();
  const began = process.cpuUsage();
  let unresolved = 0;
  let badCycles = 0;
  let peakBytes = 0;
  for (let cycle = 0; cycle < days * 24 * cyclesPerHour; cycle++) {
    const { unresolvedCount } = soak.step();
    unresolved += unresolvedCount;
    if (unresolvedCount > 0) badCycles++;
    if (cycle % bytesEvery === 0) peakBytes = Math.max(peakBytes, bytes());
  }
  const { user, system } = process.cpuUsage(began);
  const counts = [unresolved, badCycles].map((count) => count.toLocaleString('en-US'));
  const sizes = [peakBytes, bytes()].map((size) => (size / 1e6).toFixed(1));
  console.log(`| ${[name, ...counts, ...sizes, ((user + system) / 1e6).toFixed(0)].join(' | ')} |`);
}
