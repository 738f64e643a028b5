/** Text that is HTML already; anything else is escaped where it is put into a page. */
export interface Markup {
  readonly markup: string;
}

type Part = string | number | Markup | readonly Markup[];

/** HTML with values put in: what is not markup is escaped, in texts and in quoted attributes alike. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return { markup: strings.reduce((text, next, at) => text + written(parts[at - 1] ?? '') + next) };
}

function written(part: Part): string {
  if (typeof part === 'string' || typeof part === 'number') return escaped(String(part));
  return 'markup' in part ? part.markup : part.map(({ markup }) => markup).join('');
}

const names: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  // Control characters are not allowed in HTML, however they are written.
  return text.replaceAll(/[&<>"']/g, (sign) => names[sign] ?? '').replaceAll(/[^\P{Cc}\t\n]/gu, '\u{fffd}');
}
