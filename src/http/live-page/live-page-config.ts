import type { ConfigSection } from '../../config/config-section.ts';
import type { HttpListenerConfig } from '../http-listener-config.ts';
import { readHttpListenerConfig } from '../http-listener-config.ts';

/** Extension `live_page`. */
export interface LivePageConfig extends HttpListenerConfig {
  /** Without a slash at the end. */
  readonly path: string;
  /** How many reporting cycles are kept. */
  readonly cycles: number;
  /** Bound of the flame graph's nodes: of one cycle, and of one answer. */
  readonly maxNodes: number;
  /** Bound of the requests that were sent on by themselves and are kept to be drawn; 0: none are. */
  readonly maxPassedBytes: number;
}

export function readLivePageConfig(section: ConfigSection): LivePageConfig {
  const config = {
    ...readHttpListenerConfig(section, 'localhost:13133'),
    path: readPath(section, '/live'),
    cycles: section.integer('cycles', 12, { min: 1, max: 720 }),
    maxNodes: section.integer('max_nodes', 20_000, { min: 100, max: 200_000 }),
    maxPassedBytes: section.integer('max_passed_bytes', 8_388_608, { min: 0, max: 2 ** 30 }),
  };
  section.end();
  return config;
}

function readPath(section: ConfigSection, fallback: string): string {
  const path = section.string('path', fallback);
  if (/^(?:\/[\w.~-]+)+$/.test(path)) return path;
  section.addProblem(
    'path',
    `is ${JSON.stringify(path)}`,
    `write a path such as "${fallback}", without a slash at the end`,
  );
  return fallback;
}
