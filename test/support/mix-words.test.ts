import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashSeed, mixWord, mixWords } from '../../src/support/mix-words.ts';

test('mixWords spreads words that somebody chose to collide without knowing the seed', () => {
  const guess = hashSeed ^ 0x5eed;
  const count = 10_000;
  const hashes = new Set<number>();
  for (let i = 0; i < count; i++) {
    // With the guess as seed, the second word cancels what the first one did.
    const second = mixWord(guess, i) ^ mixWord(guess, 0);
    hashes.add(mixWords(i, second, 0, 0));
  }
  assert.ok(hashes.size > 0.99 * count, `${hashes.size} different hashes`);
});

test('mixWords spreads words that differ in few bits', () => {
  const hashes = new Set<number>();
  for (let i = 0; i < 10_000; i++) hashes.add(mixWords(i % 100, Math.floor(i / 100), 0, 0) & 0xffff);
  // Drawn at random, 10,000 of 65,536 places are about 9,275 different ones.
  assert.ok(hashes.size > 9_100, `${hashes.size} different places`);
});
