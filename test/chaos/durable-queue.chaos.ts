import { backendModes } from './chaos-schedule.ts';
import { testScenario } from './test-scenario.ts';

testScenario({
  name: 'with window and queue on disk every acknowledged sample arrives, over kill -9 and full disks',
  kinds: {
    // What the backend refuses for good is dropped, wherever it was kept.
    modes: backendModes.filter((mode) => mode !== 'permanent'),
    restarts: ['stop', 'kill', 'kill', 'kill_twice'],
    hasDisk: true,
  },
  isDurable: true,
  loadMs: 15_000,
});
