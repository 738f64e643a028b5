import { html, type Markup } from './html.ts';
import { type EvalReport, peers } from './report.ts';
import { narrowerLess } from '../hybrid/rate.ts';
import { interval, peerNames, points } from './wording.ts';

/** What the page is called. */
export function title({ file }: EvalReport): string {
  return `Search quality on ${file}`;
}

/** The one answer first, then what it was measured on. */
export function facts(report: EvalReport): Markup {
  const { embedding, dense, weights } = report;
  const count = (value: number): string => value.toLocaleString('en');
  const asked =
    report.queries === report.queries_in_file
      ? count(report.queries)
      : `${count(report.queries)} of ${count(report.queries_in_file)}`;
  const rows: readonly (readonly [string, string])[] = [
    ['Build', report.build],
    ['Measured', report.made_at.replace('T', ' ').replace(/\.\d+Z$/, ' UTC')],
    ['Model', `${embedding.model} (${embedding.provider})`],
    ['Precision, pooling', `${embedding.precision}, ${embedding.pooling}`],
    ['Dense index', `${dense.type}, ${count(dense.count)} vectors of ${dense.dimension}, by ${dense.engine}`],
    ['Words', report.words === 'elasticsearch' ? 'Elasticsearch' : 'own full text (SQLite FTS5)'],
    [
      'Weights',
      `cosine 1, overlap ${weights.overlap}, words ${weights.words}, narrower terms −${narrowerLess}`,
    ],
    ['Queries', asked],
    ['Seed', String(report.seed)],
    ['portiere', report.portiere],
  ];
  return html`${answer(report)}${absence(report)}
    <dl class="facts">
      ${rows.map(
        ([name, value]) =>
          html`<div>
            <dt>${name}</dt>
            <dd>${value}</dd>
          </div>`,
      )}
    </dl>`;
}

function answer({ scores }: EvalReport): Markup {
  const whole = scores.find(({ by, noise }) => by === 'all' && noise === 'none') ?? scores[0];
  if (whole === undefined) return html``;
  const { arms, union, gain, peers: beside } = whole;
  const over = gain?.over ?? (arms.bm25.recall_at_10 > arms.dense.recall_at_10 ? 'bm25' : 'dense');
  const against =
    gain === null
      ? html``
      : html` The difference is <b class="${gain.verdict}">${interval(gain)}</b> points (95 % interval).`;
  const told = peers.flatMap((peer) => {
    const scored = beside[peer];
    return scored === null ? [] : [`${peerNames[peer]} ${points(scored.recall_at_10)} %`];
  });
  return html`<p class="answer">
    The hybrid search finds <b>${points(arms.hybrid.recall_at_10)} %</b> of the labelled concepts among its
    first ten hits; the better arm alone (${over}) finds ${points(arms[over].recall_at_10)} %, and the two
    arms together ${points(union.recall_at_10)} %.${against} Beside it: ${told.join(', ')}.
  </p>`;
}

function absence({ absent, queries }: EvalReport): Markup {
  if (absent === 0) return html``;
  return html`<p class="warning">
    ${absent} of ${queries} queries name a concept that this build does not hold. They count as not found.
  </p>`;
}
