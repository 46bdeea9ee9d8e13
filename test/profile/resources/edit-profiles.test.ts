import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { editResources, hasAttributeKey } from '../../../src/otlp/passable/edit-resources.ts';
import { KnownResources } from '../../../src/otlp/passable/known-resources.ts';
import { PassableScanner } from '../../../src/otlp/passable/passable-scanner.ts';
import type { KeyValue } from '../../../src/otlp/profiles-data.ts';
import { countSamples } from '../../../src/otlp/profiles-data.ts';
import { decodeProfilesData } from '../../../src/otlp/protobuf/decode-profiles-data.ts';
import { encodeProfilesData } from '../../../src/otlp/protobuf/encode-profiles-data.ts';
import type { ResourceEdit, ResourceEditor } from '../../../src/otlp/resource-edit.ts';
import { checkConformance } from '../../../src/profile/check/check-conformance.ts';
import { editProfiles } from '../../../src/profile/resources/edit-profiles.ts';
import { atOnce } from '../../../src/support/steps.ts';
import { passingProfiles } from '../../bench/passing-profiles.ts';
import { observations } from '../../otlp/observations.ts';
import { realRequests } from '../../otlp/real-requests.ts';
import { resourceEditor } from '../../support/resource-editor.ts';
import { withLists } from '../../support/with-lists.ts';

const known = new KnownResources();
const plain = { isServiceOnSamples: false };

/** Does to the resource at each place what the list says of it. */
function editorOf(what: readonly ('keep' | 'add' | 'take' | 'drop')[], dropped: number[] = []): ResourceEditor {
  const editOne = (attributes: readonly KeyValue[], index: number): ResourceEdit => {
    switch (what[index % what.length]) {
      case 'add':
        return { kind: 'kept', attributes: [...attributes, { key: 'host.name', value: 'a node' }] };
      case 'take':
        return { kind: 'kept', attributes: attributes.filter(({ key }) => key === 'container.id') };
      case 'drop':
        return { kind: 'dropped', by: 'filter' };
      default:
        return { kind: 'kept', attributes };
    }
  };
  return resourceEditor(
    (resources) => resources.map(editOne),
    (_, samples) => void dropped.push(samples),
  );
}

const requests = realRequests('profiler').slice(0, 3);
const editing = fc.array(fc.constantFrom('keep', 'add', 'take', 'drop'), { minLength: 1, maxLength: 6 });

test('resources edited around the bytes are those edited in the decoded request, or the request has to be rebuilt', () => {
  fc.assert(
    fc.property(fc.constantFrom(...requests), editing, (bytes, what) => {
      const pieces = atOnce(editResources(bytes, editorOf(what), plain, known))?.pieces;
      const dropped: number[] = [];
      const edited = editProfiles(decodeProfilesData(bytes), editorOf(what, dropped));
      if (pieces !== undefined) {
        assert.deepEqual(withLists(decodeProfilesData(Buffer.concat(pieces))), withLists(edited));
      } else assert.ok(what.includes('drop') || what.includes('take'));
      const lost = dropped.reduce((sum, each) => sum + each, 0);
      assert.equal(countSamples(edited) + lost, countSamples(decodeProfilesData(bytes)));
      if (edited.resourceProfiles.length > 0) assert.deepEqual(checkConformance(edited), []);
    }),
    { endOnFailure: true, numRuns: 60 },
  );
});

test('a request without an edit stays the same object and the same bytes', () => {
  const [bytes] = requests;
  const data = decodeProfilesData(bytes!);
  assert.equal(atOnce(editResources(bytes!, editorOf(['keep']), plain, known))!.pieces[0], bytes);
  assert.equal(editProfiles(data, editorOf(['keep'])), data);
});

test('what an edit adds around the bytes can be scanned and passed on again', () => {
  const bytes = encodeProfilesData(passingProfiles(0.05).data);
  const edited = Buffer.concat(atOnce(editResources(bytes, editorOf(['add']), plain, known))!.pieces);
  assert.equal(new PassableScanner().scan(edited, true).kind, 'passable');
  assert.deepEqual(
    [...observations([decodeProfilesData(edited)]).values()],
    [...observations([decodeProfilesData(bytes)]).values()],
  );
});

test('hasAttributeKey tells a key of samples from one that is only a text', () => {
  const scan = new PassableScanner().scan(requests[0]!, true);
  assert.ok(scan.kind === 'passable');
  assert.equal(hasAttributeKey(scan.profiles, 'thread.name'), true);
  assert.equal(hasAttributeKey(scan.profiles, 'samples'), false);
  assert.equal(hasAttributeKey(scan.profiles, 'service.name'), false);
});
