import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OfferOutcome } from '../../src/exporters/export-request.ts';
import { offerToAll } from '../../src/pipeline/offer-to-all.ts';
import { fakeRequest } from '../support/fake-request.ts';

const taken: OfferOutcome = { kind: 'taken' };
const refused: OfferOutcome = { kind: 'refused' };
const down: OfferOutcome = { kind: 'failed', isRetryable: true, reason: 'it is down' };
const bad: OfferOutcome = { kind: 'failed', isRetryable: false, reason: 'it is bad' };
const full = 'the sending queue of every exporter is full';

for (const { name, answers, answer } of [
  { name: 'is taken as soon as one takes it', answers: [false, true], answer: 'accepted' },
  { name: 'is busy when none takes it', answers: [false, false], answer: `busy: ${full}` },
  { name: 'is taken when those that wait have taken it', answers: [taken, false], answer: 'accepted' },
  {
    name: 'is busy when one that waits has not got room',
    answers: [true, refused, bad],
    answer: 'busy: the sending queue had no room in time',
  },
  { name: 'may come again when one that waits could not send it', answers: [true, down], answer: 'busy: it is down' },
  {
    name: 'must not come again when one that waits never will send it',
    answers: [true, bad],
    answer: 'failed: it is bad',
  },
  { name: 'may come again for the sake of one of several', answers: [bad, down], answer: 'busy: it is down' },
]) {
  test(`a request ${name}`, async () => {
    const exporters = answers.map((each, index) => ({
      id: `debug/${index}`,
      room: 'open' as const,
      offer: () => (typeof each === 'boolean' ? each : Promise.resolve(each)),
    }));
    const result = await offerToAll(exporters, fakeRequest(1), undefined);
    assert.equal(result.kind === 'accepted' ? result.kind : `${result.kind}: ${result.reason}`, answer);
  });
}
