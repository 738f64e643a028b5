import { html, type Markup } from './html.ts';
import type { Tuning } from './report.ts';
import { interval, noiseNames, share, tuningVerdict } from './wording.ts';

/** Weights chosen on one half of the queries, and what they are worth on the other. */
export function tuningSection(tuning: Tuning): Markup {
  const { tried, dev_queries, dev, held_out, setting } = tuning;
  return html`<h2>Tuned weights</h2>
    <p>
      ${tried} pairs of weights were tried on ${dev_queries} queries (the dev half, chosen by each query's
      hash), by recall at 10 averaged over the kinds of noise: ${share(dev.shipped)} with the shipped weights,
      ${share(dev.tuned)} with the best. ${tuningVerdict(tuning)} Below, the other half, on which nothing was
      chosen.
    </p>
    <p>
      ${setting === null ? 'The weights are not a setting yet: they are the same for every build.' : html`To use them: <code>${setting}</code>`}
    </p>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>Noise</th>
            <th class="wide">Queries</th>
            <th>shipped @10</th>
            <th>tuned @10</th>
            <th>Difference</th>
          </tr>
        </thead>
        <tbody>
          ${held_out.map(
            (one) =>
              html`<tr>
                <td>${noiseNames[one.noise]}</td>
                <td class="wide">${one.queries}</td>
                <td>${share(one.shipped.recall_at_10)}</td>
                <td>${share(one.tuned.recall_at_10)}</td>
                <td>${interval(one)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}
