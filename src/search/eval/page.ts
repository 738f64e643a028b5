import { html, type Markup } from './html.ts';
import { barChart, intervalMark, smallBars } from './page-charts.ts';
import { facts, title } from './page-facts.ts';
import { readingSection } from './page-reading.ts';
import { pageStyle } from './page-style.ts';
import { tuningSection } from './page-tuning.ts';
import { type Arm, arms, depths, type EvalReport, peers, type Scores, type SliceScores } from './report.ts';
import {
  interval,
  noiseNames,
  peerNames,
  peerShare,
  points,
  share,
  sliceKinds,
  slicesVerdict,
} from './wording.ts';

/** An evaluation as one page that stands alone: no script, no font, nothing fetched. */
export function evalPage(report: EvalReport): string {
  const { scores, latency, tuning } = report;
  const whole = scores.filter(({ by }) => by === 'all');
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'" />
        <title>${title(report)}</title>
        <style>
          ${{ markup: pageStyle }}
        </style>
      </head>
      <body>
        <main>
          <h1>${title(report)}</h1>
          ${facts(report)} ${recallSection(whole)} ${gainSection(scores)} ${sliceSection(scores)}
          ${latency.length === 0 ? [] : latencySection(report)}
          ${tuning === null ? [] : tuningSection(tuning)} ${readingSection(report)}
        </main>
      </body>
    </html> `.markup;
}

const legend = html`<ul class="legend">
  ${arms.map((arm) => html`<li><i class="${arm}"></i>${arm}</li>`)}
  <li><i class="dash"></i>union: found by either arm</li>
</ul>`;

function recallSection(whole: readonly SliceScores[]): Markup {
  return html`<h2>Recall by noise</h2>
    <p>Share of queries whose concept is among the first 1, 5, 10 and 50 hits.</p>
    ${legend}
    <div class="charts">${whole.map(recallChart)}</div>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>Arm</th>
            ${depths.map((depth) => html`<th>@${depth}</th>`)}
            <th>MRR</th>
          </tr>
        </thead>
        <tbody>
          ${whole.map(recallRows)}
        </tbody>
      </table>
    </div>`;
}

function recallChart({ noise, queries, arms: scores, union }: SliceScores): Markup {
  const groups = depths.map((depth) => ({
    label: `recall@${depth}`,
    values: each((arm) => scores[arm][`recall_at_${depth}`]),
    union: union[`recall_at_${depth}`],
  }));
  const chart = { name: `Recall, ${noiseNames[noise]}`, groups, top: 1, written: shortShare };
  return html`<figure>
    <figcaption>${noiseNames[noise]} <span>${count(queries)} queries</span></figcaption>
    ${barChart(chart)}
  </figure>`;
}

function recallRows({
  noise,
  queries,
  arms: scores,
  union,
  peers: beside,
  undisturbed,
}: SliceScores): Markup {
  const cells = (one: Scores, best?: Scores): Markup =>
    html`${depths.map((depth) => {
        const [value, most] = [one[`recall_at_${depth}`], best?.[`recall_at_${depth}`]];
        return html`<td class="${value === most ? 'best' : ''}">${share(value)}</td>`;
      })}
      <td class="${one.mrr === best?.mrr ? 'best' : ''}">${share(one.mrr)}</td>`;
  const best = bestOf(arms.map((arm) => scores[arm]));
  const same = undisturbed === null ? '' : `; hybrid@10 undisturbed ${share(undisturbed)}`;
  return html`<tr class="group">
      <td colspan="6">
        <b>${noiseNames[noise]}</b> <span class="soft">${count(queries)} queries${same}</span>
      </td>
    </tr>
    ${arms.map(
      (arm) =>
        html`<tr>
          <td>${arm}</td>
          ${cells(scores[arm], best)}
        </tr>`,
    )}
    <tr class="soft">
      <td>union</td>
      ${cells(union)}
    </tr>
    ${peers.flatMap((peer) => {
      const scored = beside[peer];
      if (scored === null) return [];
      return [
        html`<tr class="soft">
          <td>${peerNames[peer]}</td>
          ${cells(scored)}
        </tr>`,
      ];
    })}`;
}

function bestOf(all: readonly Scores[]): Scores {
  const most = (of: (one: Scores) => number): number => Math.max(...all.map(of));
  return {
    recall_at_1: most((one) => one.recall_at_1),
    recall_at_5: most((one) => one.recall_at_5),
    recall_at_10: most((one) => one.recall_at_10),
    recall_at_50: most((one) => one.recall_at_50),
    mrr: most(({ mrr }) => mrr),
  };
}

function gainSection(scores: readonly SliceScores[]): Markup {
  const told = scores.flatMap((one) => (one.gain === null ? [] : [{ ...one, gain: one.gain }]));
  if (told.length === 0) {
    return html`<h2>Hybrid against the better arm</h2>
      <p>${slicesVerdict(scores)}</p>`;
  }
  const reach = Math.max(0.05, ...told.flatMap(({ gain }) => [Math.abs(gain.low), Math.abs(gain.high)]));
  return html`<h2>Hybrid against the better arm</h2>
    <p>
      Recall at 10 of the hybrid search less that of the better single arm on the same queries, in percentage
      points, with a paired-bootstrap 95 % interval. Right of the line the hybrid search finds more.
      ${slicesVerdict(scores)}
    </p>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>Slice</th>
            <th class="wide">Queries</th>
            <th class="wide left">Over</th>
            <th class="left">−${points(reach)} … +${points(reach)}</th>
            <th>Difference</th>
          </tr>
        </thead>
        <tbody>
          ${told.map(
            (one) =>
              html`<tr>
                <td>${sliceName(one)} <span class="soft">${noiseNames[one.noise]}</span></td>
                <td class="wide">${count(one.queries)}</td>
                <td class="wide left">${one.gain.over}</td>
                <td class="left">${intervalMark(one.gain, reach)}</td>
                <td class="whole ${one.gain.verdict}">${interval(one.gain)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}

function sliceSection(scores: readonly SliceScores[]): Markup {
  const clean = scores.filter(({ noise, by }) => noise === scores[0]?.noise && by !== 'all');
  const kinds = [...new Set(clean.map(({ by }) => by))];
  return html`<h2>Recall at 10 by slice</h2>
    <p>
      Noise: ${noiseNames[scores[0]?.noise ?? 'none']}. A slice of few queries says little. The other kinds of
      noise are in <code>eval.json</code>.
    </p>
    ${kinds.map(
      (kind) =>
        html`<h3>${sliceKinds[kind]}</h3>
          <div class="scroll">
            <table>
              <thead>
                <tr>
                  <th>Slice</th>
                  <th>Queries</th>
                  <th class="wide left">0 … 1</th>
                  ${arms.map((arm) => html`<th>${arm}</th>`)}
                  <th class="wide">union</th>
                  ${peers.map((peer) => html`<th class="wide">${peerNames[peer]}</th>`)}
                </tr>
              </thead>
              <tbody>
                ${clean.filter(({ by }) => by === kind).map(sliceRow)}
              </tbody>
            </table>
          </div>`,
    )}`;
}

function sliceRow(slice: SliceScores): Markup {
  const values = each((arm) => slice.arms[arm].recall_at_10);
  const most = Math.max(...Object.values(values));
  return html`<tr>
    <td>${sliceName(slice)}</td>
    <td>${count(slice.queries)}</td>
    <td class="wide">${smallBars(values)}</td>
    ${arms.map((arm) => html`<td class="${values[arm] === most ? 'best' : ''}">${share(values[arm])}</td>`)}
    <td class="wide soft">${share(slice.union.recall_at_10)}</td>
    ${peers.map((peer) => {
      const value = peerShare(slice.peers[peer], ({ recall_at_10 }) => recall_at_10);
      return html`<td class="wide soft">${value}</td>`;
    })}
  </tr>`;
}

function latencySection({ latency }: EvalReport): Markup {
  const kinds = ['p50', 'p95', 'p99'] as const;
  const of = (arm: Arm, kind: (typeof kinds)[number]): number =>
    latency.find((one) => one.arm === arm)?.[kind] ?? 0;
  const most = Math.max(...latency.map(({ p99 }) => p99));
  const step = 10 ** Math.floor(Math.log10(Math.max(most, 0.001)));
  const chart = {
    name: 'Milliseconds a request',
    groups: kinds.map((kind) => ({ label: kind, values: each((arm) => of(arm, kind)) })),
    top: Math.ceil(most / step) * step,
    written: shortMs,
  };
  return html`<h2>Latency</h2>
    <p>
      Milliseconds of one request at a time on a warm index, ${count(latency[0]?.requests ?? 0)} requests an
      arm: bm25 asks the words alone, dense embeds the query and asks the vectors, hybrid is a whole search
      for ten hits.
    </p>
    <div class="charts">
      <figure>${barChart(chart)}</figure>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th>Arm</th>
              ${kinds.map((kind) => html`<th>${kind}</th>`)}
            </tr>
          </thead>
          <tbody>
            ${latency.map(
              ({ arm }) =>
                html`<tr>
                  <td>${arm}</td>
                  ${kinds.map((kind) => html`<td>${of(arm, kind).toFixed(1)}</td>`)}
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
    </div>`;
}

function sliceName({ by, name }: Pick<SliceScores, 'by' | 'name'>): string {
  return by === 'all' ? 'all queries' : name;
}

function each(value: (arm: Arm) => number): Record<Arm, number> {
  return { bm25: value('bm25'), dense: value('dense'), hybrid: value('hybrid') };
}

function count(value: number): string {
  return value.toLocaleString('en');
}

function shortShare(value: number): string {
  return value >= 0.995 ? '1.0' : value === 0 ? '0' : value.toFixed(2).replace(/^0/, '');
}

function shortMs(value: number): string {
  return value >= 10 || value === 0 ? value.toFixed(0) : value.toFixed(1);
}
