/**
 * How much a word that says little in a vocabulary of conditions still counts (a word not listed counts 1).
 * Mild on purpose: "other" and "unspecified" tell classification codes apart.
 */
export const commonWords: ReadonlyMap<string, number> = new Map([
  ...weigh(
    0.66,
    `a an and as associated at be by classified due elsewhere encounter following for from in initial into
     involving is nos not of on or other others related s sequela specified subsequent the to type
     unspecified with without`,
  ),
  ...weigh(
    0.86,
    `acute bilateral chronic condition conditions disease diseases disorder disorders left primary right
     secondary syndrome syndromes system`,
  ),
]);

function weigh(weight: number, words: string): [string, number][] {
  return words.split(/\s+/).map((word) => [word, weight]);
}
