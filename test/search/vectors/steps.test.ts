import { describe, expect, it } from 'vitest';

import { atOnce, finish, gently, type Steps } from '../../../src/search/vectors/steps.ts';

function busy(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

function* threeSteps(each: () => void): Steps<string> {
  each();
  yield;
  each();
  yield;
  each();
  return 'done';
}

describe('work in steps', () => {
  it('is done in one go where nobody waits', () => {
    expect(finish(threeSteps(() => {}))).toBe('done');
    expect(finish(atOnce(() => 3))).toBe(3);
  });

  it('rests after each step, some times as long as it took, and lets others work', async () => {
    const seen: string[] = [];
    const timer = setInterval(() => seen.push('other'), 1);
    const start = performance.now();
    expect(
      await gently(
        threeSteps(() => {
          busy(5);
          seen.push('step');
        }),
      ),
    ).toBe('done');
    clearInterval(timer);
    expect(performance.now() - start).toBeGreaterThanOrEqual(50);
    const between = seen.slice(seen.indexOf('step'), seen.lastIndexOf('step'));
    expect(between.filter((one) => one === 'other').length).toBeGreaterThan(5);
  });

  it('ends with the fault of a step', async () => {
    const failing = () =>
      threeSteps(() => {
        throw new Error('no');
      });
    expect(() => finish(failing())).toThrow('no');
    await expect(gently(failing())).rejects.toThrow('no');
  });
});
