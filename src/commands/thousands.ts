/** A number as `1,234,567` or `1,234.5`; asking for a language's way loads tables of all languages, which is felt. */
export function thousands(value: number): string {
  const [whole = '', ...rest] = String(value).split('.');
  return [whole.replaceAll(/\B(?=(?:\d{3})+$)/g, ','), ...rest].join('.');
}
