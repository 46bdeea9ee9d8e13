import { converted, integer, text } from '../../config/config-keys.ts';
import type { ConfigOf } from '../../config/config-table.ts';
import { configTable } from '../../config/config-table.ts';
import { httpListenerKeys } from '../http-listener-config.ts';

/** Extension `live_page`. */
export const livePageTable = configTable({
  about: 'A page with a flame graph of the last reporting cycles.',
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
    cycles: integer('cycles', { fallback: 12, min: 1, max: 720 }, 'Reporting cycles that are kept.'),
    /** Bound of one cycle, and of one answer. */
    maxNodes: integer(
      'max_nodes',
      { fallback: 20_000, min: 100, max: 200_000 },
      'Bound of the nodes of the flame graph.',
    ),
    maxPassedBytes: integer(
      'max_passed_bytes',
      { fallback: 8_388_608, min: 0, max: 2 ** 30 },
      'Bytes of OTLP requests that were sent on by themselves and are kept to be drawn; 0 keeps none.',
    ),
  },
});

export type LivePageConfig = ConfigOf<typeof livePageTable>;
