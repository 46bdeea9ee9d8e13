import { backendModes } from './chaos-schedule.ts';
import { testScenario } from './test-scenario.ts';

testScenario({
  name: 'with the queue in memory every acknowledged sample arrives or is counted as dropped',
  kinds: { modes: backendModes, restarts: ['stop'], hasDisk: false },
  isDurable: false,
  loadMs: 12_000,
});
