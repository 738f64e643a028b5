/**
 * What is written short in notes, longest first where one holds another. Small on purpose: usual English clinical
 * shorthand with one reading, so that a query stays one that a clinician would understand.
 */
export const abbreviations: readonly (readonly [long: string, short: string])[] = [
  ['chronic obstructive pulmonary disease', 'COPD'],
  ['not otherwise specified', 'NOS'],
  ['congestive heart failure', 'CHF'],
  ['coronary artery disease', 'CAD'],
  ['urinary tract infection', 'UTI'],
  ['deep vein thrombosis', 'DVT'],
  ['shortness of breath', 'SOB'],
  ['myocardial infarction', 'MI'],
  ['gastrointestinal', 'GI'],
  ['diabetes mellitus', 'DM'],
  ['hypertension', 'HTN'],
  ['unspecified', 'unsp'],
  ['history of', 'h/o'],
  ['due to', 'd/t'],
  ['without', 'w/o'],
  ['with', 'w/'],
  ['bilateral', 'bilat'],
  ['left', 'L'],
  ['right', 'R'],
  ['acute', 'ac'],
  ['chronic', 'chr'],
  ['congenital', 'cong'],
  ['malignant', 'malig'],
  ['abdominal', 'abd'],
  ['fracture', 'fx'],
  ['syndrome', 'synd'],
  ['disorder', 'd/o'],
  ['disease', 'dz'],
  ['infection', 'inf'],
  ['carcinoma', 'ca'],
  ['pregnancy', 'preg'],
];

const shorts: ReadonlyMap<string, string> = new Map(abbreviations);
const longs = new RegExp(
  `(?<![\\p{L}\\p{N}])(?:${abbreviations.map(([long]) => long.replaceAll(' ', '\\s+')).join('|')})(?![\\p{L}\\p{N}])`,
  'giu',
);

/** A query with everything written short that the table knows; itself where it knows nothing. */
export function abbreviate(query: string): string {
  return query.replace(longs, (long) => shorts.get(long.toLowerCase().replaceAll(/\s+/g, ' ')) ?? long);
}
