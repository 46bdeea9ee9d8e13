import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BcryptChecks } from '../../src/auth/bcrypt-checks.ts';
import { FakeClock } from '../support/fake-clock.ts';

const checkMs = 100;

/** A check takes 100 ms of the clock; a password is right when it is the hash. */
function create() {
  const clock = new FakeClock();
  const compared: string[] = [];
  const checks = new BcryptChecks(clock, async (password, hash) => {
    compared.push(password);
    await clock.advance(checkMs);
    return password === hash;
  });
  return { clock, compared, checks };
}

test('BcryptChecks remembers what a check came to, right or wrong', async () => {
  const { checks, compared } = create();
  for (let round = 0; round < 3; round++) {
    assert.equal(await checks.check('a', 'a'), true);
    assert.equal(await checks.check('a', 'b'), false);
  }
  assert.deepEqual(compared, ['a', 'a']);
});

test('BcryptChecks makes one check for equal ones that come at once', async () => {
  const { checks, compared } = create();
  const all = await Promise.all(Array.from({ length: 100 }, () => checks.check('a', 'a')));
  assert.deepEqual([new Set(all), compared.length], [new Set([true]), 1]);
});

test('BcryptChecks gives guesses a tenth of the time, and known passwords all they want', async () => {
  const { checks, clock, compared } = create();
  assert.equal(await checks.check('known', 'known'), true);
  let refused = 0;
  for (let guess = 0; guess < 200; guess++) {
    if ((await checks.check(`guess ${guess}`, 'known')) === undefined) refused++;
    assert.equal(await checks.check('known', 'known'), true);
  }
  assert.ok(refused > 150, `${refused}`);
  const before = compared.length;
  await clock.advance(10_000);
  for (let guess = 0; guess < 50; guess++) await checks.check(`later ${guess}`, 'known');
  assert.ok(compared.length - before >= 9 && compared.length - before <= 12, `${compared.length - before}`);
});

test('BcryptChecks refuses at once when many wait', async () => {
  const { checks } = create();
  const all = await Promise.all(Array.from({ length: 40 }, (_, guess) => checks.check(`guess ${guess}`, 'known')));
  assert.equal(all.filter((outcome) => outcome === undefined).length, 24);
});
