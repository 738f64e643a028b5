/**
 * Names the first character of a text that the files we write and the programs that read them do not all
 * carry unchanged (control characters, line separators, lone surrogates, non-characters); none: undefined.
 */
export function unprintable(text: string): string | undefined {
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    const name = fault(point);
    if (name !== undefined) {
      return `${name} (U+${point.toString(16).toUpperCase().padStart(4, '0')})`;
    }
  }
  return undefined;
}

function fault(point: number): string | undefined {
  if (point === 0) return 'a NUL';
  if (point === 0x0a || point === 0x0d) return 'a line break';
  if (point < 0x20 || (point >= 0x7f && point < 0xa0)) return 'a control character';
  if (point === 0x2028 || point === 0x2029) return 'a line separator';
  if (point >= 0xd800 && point <= 0xdfff) return 'half of a surrogate pair';
  if (point === 0xfeff) return 'a byte order mark';
  if (point === 0xfffd) return 'a character that could not be decoded';
  if ((point >= 0xfdd0 && point <= 0xfdef) || (point & 0xfffe) === 0xfffe) return 'a non-character';
  return undefined;
}
