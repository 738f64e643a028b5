import { html, type Markup } from './html.ts';
import type { EvalReport } from './report.ts';

/** What the figures and the kinds of noise mean, for who did not make them. */
export function readingSection({ seed }: EvalReport): Markup {
  return html`<h2>How to read this</h2>
    <p>
      <b>Recall@k</b> is the share of queries whose labelled concept is among the first k hits; <b>MRR</b> is
      the mean of 1 / rank within the first 100. <b>Union</b> counts a query as found where either arm finds
      it at that depth: the ceiling of any merging of the two lists. The hybrid search also rates what both
      rank lower, and knows codes and equal names, so it may pass it. <b>Plain RRF</b> merges the two lists by
      rank alone (reciprocal rank fusion, constant 60). <b>Char n-grams</b> is TF-IDF of the three- and
      four-letter pieces of names and synonyms, as mapping tools without vectors search. <b>Dev and test</b>
      halves follow from each query's text; weights are only ever chosen on the dev half.
    </p>
    <p>
      <b>Noise</b>: <i>typo</i> makes one slip for each started eight letters; <i>other case</i> writes
      capitals; <i>word order</i> shuffles the words; <i>abbreviation</i> writes usual clinical words short
      (with → w/, acute → ac). A query that a kind does not change is left out of it, so compare a kind with
      “the same as they are”. All of it follows from seed ${seed}.
    </p>`;
}
