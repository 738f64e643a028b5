export type TarEntry =
  | { readonly kind: 'file'; readonly content: Buffer }
  | { readonly kind: 'link'; readonly target: string }
  | { readonly kind: 'other' };

const block = 512;

/** The first entry of a plain tar archive (extended headers are skipped), or undefined for an empty or cut one. */
export function firstEntry(archive: Buffer): TarEntry | undefined {
  let at = 0;
  let longTarget: string | undefined;
  while (at + block <= archive.length) {
    const header = archive.subarray(at, at + block);
    if (header.every((byte) => byte === 0)) return undefined;
    const size = octal(header.subarray(124, 136));
    if (size === undefined || at + block + size > archive.length) return undefined;
    const content = archive.subarray(at + block, at + block + size);
    const type = String.fromCodePoint(header[156] ?? 0);
    if (type === '0' || type === '\0') return { kind: 'file', content };
    if (type === '2') return { kind: 'link', target: longTarget ?? text(header.subarray(157, 257)) };
    if (!'xgLK'.includes(type)) return { kind: 'other' };
    longTarget = longLink(type, content) ?? longTarget;
    at += block + Math.ceil(size / block) * block;
  }
  return undefined;
}

/** A link's target too long for its field comes ahead, as GNU (`K`) or pax (`linkpath=`) writes it. */
function longLink(type: string, content: Buffer): string | undefined {
  if (type === 'K') return text(content);
  return type === 'x' ? /(?:^|\n)\d+ linkpath=(.*)\n/.exec(content.toString('utf8'))?.[1] : undefined;
}

function octal(field: Buffer): number | undefined {
  const digits = text(field).trim();
  return /^[0-7]*$/.test(digits) ? Number.parseInt(digits || '0', 8) : undefined;
}

function text(field: Buffer): string {
  const end = field.indexOf(0);
  return field.subarray(0, end === -1 ? field.length : end).toString('utf8');
}
