import { describe, expect, it } from 'vitest';
import { evalPage } from '../../../src/search/eval/page.ts';
import { report, slice } from './given.ts';

const tuning = {
  tried: 40,
  dev_queries: 150,
  shipped: { overlap: 0.6, words: 0 },
  tuned: { overlap: 0.8, words: 0.1 },
  dev: { shipped: 0.5, tuned: 0.52 },
  held_out: [
    {
      noise: 'none',
      queries: 150,
      shipped: slice().arms.dense,
      tuned: slice().arms.hybrid,
      difference: 0.05,
      low: -0.01,
      high: 0.11,
    },
  ],
  setting: null,
} as const;

describe('the page of an evaluation', () => {
  it('stands alone: nothing fetched, no script', () => {
    const page = evalPage(report({ tuning }));
    expect(page).not.toMatch(/<script|<link|<img|@import|url\(|href=|src=/i);
    expect(page).not.toMatch(/https?:/);
    expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
    expect(page).toContain('prefers-color-scheme: dark');
    expect(page).toContain('@media print');
  });

  it('says what was measured on what', () => {
    const page = evalPage(report({ tuning, absent: 7 }));
    for (const said of [
      'b-1',
      'hashing-ngram (hashing)',
      'fp32, none',
      'IxFI, 1,000 vectors of 384, by native',
      'Elasticsearch',
      '2026-11-21 12:00:00 UTC',
      '300 of 3,000',
      'cosine 1, overlap 0.6, words 0',
      '<b>55.0 %</b>',
      '+5.0 (3.1 to 7.0)',
      '7 of 300 queries name a concept that this build does not hold',
      'overlap 0.8, words 0.1',
      '+5.0 (−1.0 to 11.0)',
      'not a setting yet',
    ]) {
      expect(page).toContain(said);
    }
  });

  it('draws every kind of noise with its figures as text', () => {
    const page = evalPage(report());
    expect(page.match(/<svg viewBox="0 0 320/g)).toHaveLength(3);
    expect(page).toContain('recall@10: bm25 .40, dense .50, hybrid .55');
    expect(page).not.toMatch(/NaN|undefined|Infinity|\[object/);
  });

  it('escapes what comes from outside', () => {
    const nasty = `<img src=x onerror="a()">&'\u0007`;
    const page = evalPage(
      report({
        file: nasty,
        build: nasty,
        scores: [slice(), slice({ by: 'file', name: nasty }), slice({ by: 'vocabulary', name: nasty })],
      }),
    );
    expect(page).not.toContain('<img');
    expect(page).not.toContain('\u0007');
    expect(page).toContain('&lt;img src=x onerror=&quot;a()&quot;&gt;&amp;&#39;');
  });

  it('holds up with next to nothing to say', () => {
    const page = evalPage(report({ scores: [], latency: [], noise: [], queries: 0 }));
    expect(page).toContain('No slice has the 200 queries');
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
  });
});
