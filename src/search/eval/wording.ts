import type { NoiseKind } from './noise.ts';
import type { Peer, Scores, Slice, SliceScores, Tuning } from './report.ts';

/** The kinds of noise as an operator reads them. */
export const noiseNames: Readonly<Record<NoiseKind, string>> = {
  none: 'as they are',
  typo: 'typo',
  case: 'other case',
  order: 'word order',
  abbreviation: 'abbreviation',
};

export const sliceKinds: Readonly<Record<Slice['by'], string>> = {
  all: 'All queries',
  half: 'By half: weights are chosen on dev alone',
  file: 'By slice of the query file',
  vocabulary: 'By vocabulary of the labelled concept',
  words: 'By length of the query',
};

/** What stands beside the arms, as an operator reads it. */
export const peerNames: Readonly<Record<Peer, string>> = { rrf: 'plain RRF', char_grams: 'char n-grams' };

/** One of its scores; a dash where it was not asked. */
export function peerShare(scores: Scores | null, of: (scores: Scores) => number): string {
  return scores === null ? '-' : share(of(scores));
}

/** In how many of the slices that have an interval the hybrid search is ahead, even or behind. */
export function slicesVerdict(scores: readonly SliceScores[]): string {
  const verdicts = scores.flatMap(({ gain }) => gain?.verdict ?? []);
  if (verdicts.length === 0) return 'No slice has the 200 queries that an interval needs.';
  const count = (wanted: string): string =>
    String(verdicts.filter((verdict) => verdict === wanted).length || 'none');
  return `Of ${verdicts.length} slices of 200 queries and more, over all kinds of noise, the hybrid search is ahead of the better arm in ${count('ahead')}, even with it (within the 95 % interval) in ${count('even')}, behind it in ${count('behind')}.`;
}

/** A share as `0.535`. */
export function share(value: number): string {
  return value.toFixed(3);
}

/** A share in percentage points: `2.6`. */
export function points(value: number): string {
  return (value * 100).toFixed(1);
}

/** A difference of shares with its interval, in percentage points: `+2.6 (1.9 to 3.4)`. */
export function interval(of: {
  readonly difference: number;
  readonly low: number;
  readonly high: number;
}): string {
  return `${signed(of.difference)} (${points(of.low).replace('-', '−')} to ${points(of.high).replace('-', '−')})`;
}

function signed(value: number): string {
  const text = points(Math.abs(value));
  return value < 0 ? `−${text}` : `+${text}`;
}

/** What the held-out half says of the tuned weights. */
export function tuningVerdict({ shipped, tuned, held_out }: Tuning): string {
  if (shipped.overlap === tuned.overlap && shipped.words === tuned.words)
    return 'The shipped weights are the best of them.';
  const best = `The best of them: overlap ${tuned.overlap}, words ${tuned.words} (shipped: overlap ${shipped.overlap}, words ${shipped.words}).`;
  const better = held_out.some(({ low }) => low > 0);
  const worse = held_out.some(({ high }) => high < 0);
  if (better && !worse) return `${best} They hold on the half they were not chosen on.`;
  return worse
    ? `${best} On the other half they lose on some kind of noise: keep the shipped ones.`
    : `${best} On the other half the difference is within its interval: keep the shipped ones.`;
}
