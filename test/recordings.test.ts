import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { ProfilesData } from '../src/otlp/profiles-data.ts';
import { checkConformance } from '../src/profile/check/check-conformance.ts';
import { checkContract } from '../src/profile/check/check-contract.ts';
import type { ReportedFrame } from './support/recorded-run.ts';
import { framesOf, runRecordings } from './support/recorded-run.ts';

function shareOf<T>(items: readonly T[], holds: (item: T) => boolean): number {
  assert.ok(items.length > 0, 'there is nothing to take a share of');
  return items.filter(holds).length / items.length;
}

/** Trace events of the recordings; in two more of kern no frame lies in a mapping, which the collector reports as lost. */
const sampleCounts = { c: 933, java: 753, kern: 557, node: 285, python: 884 } as const;

for (const [recording, sampleCount] of Object.entries(sampleCounts)) {
  describe(`what is reported of the recording "${recording}"`, () => {
    let messages: readonly ProfilesData[] = [];
    before(async () => {
      ({ messages } = await runRecordings(['--speed', 'max', recording]));
    });
    const ofType = (type: string): ReportedFrame[] => framesOf(messages).filter((frame) => frame.type === type);

    test('has every sample', () => {
      const moments = messages.flatMap(({ resourceProfiles }) =>
        resourceProfiles.flatMap(({ scopeProfiles }) =>
          scopeProfiles.flatMap(({ profiles }) =>
            profiles.flatMap(({ samples }) => [...samples].flatMap(({ timestampsUnixNano }) => timestampsUnixNano)),
          ),
        ),
      );
      assert.equal(moments.length, sampleCount);
    });

    test('keeps to the specification and to our contract', () => {
      assert.deepEqual(
        messages.flatMap((data) => [...checkConformance(data), ...checkContract(data)]),
        [],
      );
    });

    test('has no placeholder for a name', () => {
      const texts = messages.flatMap(({ dictionary }) => [...dictionary.stringTable]);
      assert.deepEqual(
        texts.filter((text) => /UNREPORTED|UNRESOLVED|UNKNOWN/.test(text)),
        [],
      );
    });

    test('names every kernel frame', () => {
      assert.equal(
        shareOf(ofType('kernel'), ({ isNamed }) => isNamed),
        1,
      );
    });

    test('names native frames, and keeps their address, file name and build ID', () => {
      const native = ofType('native');
      assert.ok(shareOf(native, ({ isNamed }) => isNamed) >= 0.95);
      const isKept = ({ address, buildId, moduleName }: ReportedFrame): boolean =>
        address !== 0n && moduleName !== '' && (typeof buildId === 'string' || moduleName === '[vdso]');
      assert.equal(shareOf(native, isKept), 1);
    });

    if (recording === 'python') {
      test('names 99 % of the Python frames, with file and line', () => {
        assert.ok(shareOf(ofType('cpython'), ({ isNamed, hasLine }) => isNamed && hasLine) >= 0.99);
      });
    }
    if (recording === 'java') {
      test('names every frame of the Java code cache', () => {
        assert.equal(
          shareOf(ofType('jvm'), ({ isNamed }) => isNamed),
          1,
        );
      });
    }
    if (recording === 'node') {
      test('names every frame of the Node.js perf map', () => {
        assert.equal(
          shareOf(ofType('v8js'), ({ isNamed }) => isNamed),
          1,
        );
      });
    }
  });
}
