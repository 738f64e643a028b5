import { PortiereError, type Problem } from '../../errors.ts';

const LISTED = 60;

/** The selected vocabulary ids, each once; VOCABULARY_UNKNOWN for an id that is not among the known ones, with the nearest. */
export function checkSelection(ids: readonly string[], known: readonly string[]): readonly string[] {
  const unknown = ids.filter((id) => !known.includes(id));
  if (unknown.length === 0) return [...new Set(ids)];
  const problems = unknown.map((id): Problem => {
    const suggestion = nearest(id, known);
    const problem = { path: id, reason: 'no vocabulary of this bundle has this id' };
    return suggestion === undefined ? problem : { ...problem, suggestion };
  });
  throw new PortiereError(
    'VOCABULARY_UNKNOWN',
    unknown.length === 1
      ? `This bundle has no vocabulary "${unknown[0]}"${meant(problems[0]!)}`
      : `This bundle does not have these vocabularies: ${unknown.join(', ')}.`,
    {
      hint: `It has: ${list(known)}.`,
      problems,
    },
  );
}

/**
 * Makes sure that every selected vocabulary gave concepts, or the whole bundle where nothing is selected;
 * VOCABULARY_EMPTY names those that gave none. `counts`: concepts read, by vocabulary id.
 */
export function checkYield(ids: readonly string[], counts: ReadonlyMap<string, number>): void {
  const full = [...counts].filter(([, count]) => count > 0).map(([id]) => id);
  const empty = ids.filter((id) => !full.includes(id));
  if (empty.length === 0 && full.length > 0) return;
  throw new PortiereError(
    'VOCABULARY_EMPTY',
    ids.length === 0
      ? 'CONCEPT.csv holds no usable concept.'
      : `Selected but without a single usable concept in CONCEPT.csv: ${empty.join(', ')}.`,
    {
      hint:
        full.length === 0
          ? 'The download may be cut, or cpt4.jar may have emptied CONCEPT.csv: download the vocabulary again.'
          : `Select among those with concepts (${list(full)}), or download again with the missing one ticked.`,
    },
  );
}

/** The known id an unknown one most likely stands for: `SNOMED_CT` is SNOMED, `ICD10-CM` is ICD10CM. */
export function nearest(id: string, known: readonly string[]): string | undefined {
  const wanted = bare(id);
  if (wanted === '') return undefined;
  const [best] = known
    .map((one) => ({ one, far: distance(wanted, bare(one)) }))
    .sort((a, b) => a.far - b.far || a.one.length - b.one.length);
  return best !== undefined && best.far <= Math.ceil(wanted.length / 3) ? best.one : undefined;
}

function bare(id: string): string {
  return id.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '');
}

/** Edits from one to the other; one that the other begins with is near however much follows, an abbreviation nearest. */
function distance(wanted: string, one: string): number {
  const count = edits(wanted, one);
  if (wanted.length >= 3 && one.startsWith(wanted)) return Math.min(count, 1);
  return one.length >= 3 && wanted.startsWith(one) ? Math.min(count, 1.5) : count;
}

function edits(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = above[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(replaced, above[j]! + 1, row[j - 1]! + 1));
    }
    above = row;
  }
  return above[b.length]!;
}

function meant({ suggestion }: Problem): string {
  return suggestion === undefined ? '.' : `; did you mean ${suggestion}?`;
}

function list(ids: readonly string[]): string {
  const sorted = ids.toSorted();
  const more = sorted.length - LISTED;
  return sorted.slice(0, LISTED).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
