import { converted, integer, integerOf, text } from '../../config/config-keys.ts';
import type { ConfigOf } from '../../config/config-table.ts';
import { configTable } from '../../config/config-table.ts';
import { httpListenerKeys } from '../http-listener-config.ts';

/** Extension `live_page`. */
export const livePageTable = configTable({
  about:
    'A page with flame graphs, tables and comparisons of the last hour, and profiles to take away ([queries](live-page.md)).',
  keys: {
    ...httpListenerKeys('localhost:13133'),
    /** Without a slash at the end. */
    path: converted(
      text('path', { fallback: '/live' }, 'Path of the page, without a slash at the end.'),
      (path, own) => {
        if (/^(?:\/[\w.~-]+)+$/.test(path)) return path;
        const remedy = 'write a path such as "/live", without a slash at the end';
        own.addProblem('path', `is ${JSON.stringify(path)}`, remedy);
        return '/live';
      },
    ),
    cycles: integer(
      'cycles',
      { fallback: 12, min: 1, max: 720 },
      'Newest reporting cycles that the page shows at first, and that queries without a time read.',
    ),
    /** Bound of one answer. */
    maxNodes: integer(
      'max_nodes',
      { fallback: 20_000, min: 100, max: 200_000 },
      'Bound of the nodes of the flame graph in one answer.',
    ),
    maxHistoryBytes: integerOf(
      2 ** 20,
      'max_history_mib',
      { fallback: 64, min: 1, max: 4096 },
      'Bound of the memory of the history, which keeps an hour: ten minutes by cycle, the rest by the minute. Over it, stacks of few samples fold into their callers, then the oldest time goes.',
    ),
    maxPassedBytes: integer(
      'max_passed_bytes',
      { fallback: 8_388_608, min: 0, max: 2 ** 30 },
      'Bytes of OTLP requests that were sent on by themselves and wait until somebody looks; 0 keeps none.',
    ),
  },
});

export type LivePageConfig = ConfigOf<typeof livePageTable>;
