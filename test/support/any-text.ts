import fc from 'fast-check';

// Not a surrogate alone, which no UTF-8 can carry.
const codePoint = fc
  .oneof(fc.nat(0x7f), fc.nat(0x10ffff))
  .filter((point) => point < 0xd800 || point > 0xdfff)
  .map((point) => String.fromCodePoint(point));

/** Any text of up to `maxLength` code points. fc.string with the unit 'binary' builds a table of all of them first, 0.8 s a process. */
export function anyText(maxLength: number): fc.Arbitrary<string> {
  return fc.oneof(
    { arbitrary: fc.array(codePoint, { maxLength }).map((points) => points.join('')), weight: 4 },
    // Texts that are names of JavaScript's own, among others.
    fc.string({ maxLength }),
  );
}
