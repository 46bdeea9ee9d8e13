import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WindowResource } from '../../src/profile/build/window-contents.ts';
import { SampleWindow } from '../../src/reporter/sample-window.ts';
import { processOf } from '../support/batch.ts';

function resourceOf(change: Partial<WindowResource> = {}): WindowResource {
  const collectorAttributes = new Map([['host.name', 'a']]);
  return { collectorAttributes, scopeName: 'p', scopeVersion: '1', process: processOf(42), ...change };
}

test('SampleWindow has a resource once, however often its process comes, and whatever comes between', () => {
  const window = new SampleWindow();
  const others = [
    { scopeName: 'q' },
    { scopeVersion: '2' },
    { collectorAttributes: new Map([['host.name', 'b']]) },
    { collectorAttributes: new Map() },
    ...[
      { startTimeNano: 99n },
      { comm: 'other' },
      { executablePath: '/other' },
      { containerId: 'c' },
      { serviceName: 's' },
      { labels: new Map([['k', 'v']]) },
      { labels: new Map([['k', 'w']]) },
    ].map((change) => ({ process: { ...processOf(42), ...change } })),
  ].map(resourceOf);
  const first = window.internResource(resourceOf());
  for (const [index, other] of others.entries()) {
    assert.equal(window.internResource(other), index + 1);
    assert.equal(window.internResource({ ...other }), index + 1, 'at once again');
    assert.equal(window.internResource(resourceOf()), first, 'after another of the same process ID');
    assert.equal(window.internResource(other), index + 1);
  }
  assert.equal(window.resources.length, others.length + 1);
});
