import type { Filters } from '../../src/search/lexical/filter.ts';
import type { OpenBuild } from '../../src/search/index/open.ts';
import type { DenseHits } from '../../src/search/vectors/dense.ts';
import { embedder } from './vector-build.ts';

/** What searches may be narrowed to, every kind once, with values of the made-up vocabulary in odd cases. */
export const narrowings: readonly Filters[] = [
  {},
  { vocabulary_id: ['icd10cm'] },
  { exclude_vocabulary_id: ['SNOMED', 'rxnorm'] },
  { domain_id: ['drug', 'Measurement'] },
  { standard_concept: ['S'] },
  { standard_concept: ['none'] },
  { standard_concept: ['none', 'C'], vocabulary_id: ['ICD10CM'] },
  { concept_class_id: ['Disorder'], valid: true },
  { valid: false },
  { vocabulary_id: [`SNOMED" || row >= 0 || vocabulary_id == "RxNorm`, "x' or 1", '\\', '*'] },
];

/** Names of the build, each without some letters: near what is there, and not on it. */
export function questions(build: OpenBuild, count: number): string[] {
  return Array.from({ length: count }, (_, at) => {
    const row = Math.floor(((at + 0.5) * build.dense.count) / count);
    return (build.lexical.term(row)?.text ?? '').replaceAll(/(\p{L}{2})\p{L}(\p{L}{2})/gu, '$1$2');
  });
}

/** How much of what `exact` finds `other` finds too, and the largest difference of their scores for one row. */
export async function compareArms(
  exact: OpenBuild,
  other: OpenBuild,
  { texts, filters, k }: { readonly texts: readonly string[]; readonly filters: Filters; readonly k: number },
): Promise<{ readonly recall: number; readonly apart: number; readonly strangers: number }> {
  let [met, due, apart, strangers] = [0, 0, 0, 0];
  const allowed = exact.lexical.attributes.mask(filters);
  for (const text of texts) {
    const vector = await embedder.embed([text]);
    const all = await exact.dense.search(vector, k, { filters, allowed });
    // Rows of nothing have the score 0 and are in no server.
    const wanted = positive(all);
    const found = await other.dense.search(vector, k, { filters, allowed: undefined });
    const scores = new Map(found.rows.map((row, at) => [row, found.scores[at] ?? 0]));
    const worst = wanted.scores.at(-1) ?? 0;
    due += wanted.rows.length;
    // One of several rows with the last score is as good as another.
    met += Math.min(wanted.rows.length, found.scores.filter((score) => score >= worst - 1e-6).length);
    for (const [at, row] of wanted.rows.entries())
      if (scores.has(row))
        apart = Math.max(apart, Math.abs((scores.get(row) ?? 0) - (wanted.scores[at] ?? 0)));
    strangers += found.rows.filter((row) => allowed?.[row] === 0).length;
  }
  return { recall: due === 0 ? 1 : met / due, apart, strangers };
}

function positive({ rows, scores }: DenseHits): DenseHits {
  const places = rows.map((_, at) => at).filter((at) => (scores[at] ?? 0) > 1e-6);
  return { rows: places.map((at) => rows[at]!), scores: places.map((at) => scores[at]!) };
}
