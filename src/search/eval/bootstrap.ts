import { generator } from './random.ts';

const resamples = 2_000;

/** A mean with the middle 95 % of what it would be on other draws of the same queries. */
export interface Interval {
  readonly difference: number;
  readonly low: number;
  readonly high: number;
}

/**
 * The mean of paired differences of hits (each -1, 0 or 1) with its bootstrap interval: 2,000 resamples of as many
 * queries, drawn from a seed, so that the same figures give the same interval.
 */
export function pairedInterval(differences: readonly number[], seed: number): Interval {
  const count = differences.length;
  const sum = differences.reduce((total, one) => total + one, 0);
  const gains = differences.filter((one) => one > 0).length;
  const moved = gains + differences.filter((one) => one < 0).length;
  if (moved === 0) return { difference: 0, low: 0, high: 0 };
  const random = generator(seed);
  // Most pairs do not differ: their number is jumped over by its distribution instead of being drawn one by one.
  const still = Math.log1p(-moved / count);
  const jump = (): number => Math.floor(Math.log1p(-random()) / still);
  const means = Array.from({ length: resamples }, () => {
    let total = 0;
    for (let draw = jump(); draw < count; draw += 1 + jump()) total += random() * moved < gains ? 1 : -1;
    return total / count;
  }).sort((a, b) => a - b);
  const quantile = (share: number): number => means[Math.round(share * (resamples - 1))] ?? 0;
  return { difference: sum / count, low: quantile(0.025), high: quantile(0.975) };
}
