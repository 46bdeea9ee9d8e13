/** True for well-formed UTF-8: no longer than needed, no surrogates, and nothing above U+10FFFF. */
export function isUtf8(start: usize, end: usize): bool {
  let position = start;
  while (position < end) {
    const lead: u32 = load<u8>(position++);
    if (lead < 0x80) continue;
    if (lead < 0xc2 || lead > 0xf4) return false;
    const more: u32 = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    if (position + more > end) return false;
    const next: u32 = load<u8>(position);
    const lowest: u32 = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
    const highest: u32 = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
    if (next < lowest || next > highest) return false;
    for (let i: u32 = 1; i < more; i++) if ((load<u8>(position + i) & 0xc0) !== 0x80) return false;
    position += more;
  }
  return true;
}
