import { describe, expect, it } from 'vitest';

import { inOrder } from '../../../src/search/index/in-order.ts';

const after = async <T>(milliseconds: number, value: T): Promise<T> => {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  return value;
};

describe('work in order', () => {
  it('gives results in the order of the items, some under way at once', async () => {
    let under = 0;
    let most = 0;
    const work = async (item: number): Promise<number> => {
      under += 1;
      most = Math.max(most, under);
      const result = await after(10 - item, item * 2);
      under -= 1;
      return result;
    };
    const results: number[] = [];
    for await (const result of inOrder([1, 2, 3, 4, 5], work, 3)) results.push(result);
    expect(results).toEqual([2, 4, 6, 8, 10]);
    expect(most).toBe(3);
  });

  it('tells of a failure when its turn comes, and of nothing before', async () => {
    const work = async (item: number): Promise<number> => {
      if (item === 2) throw new Error('the second failed');
      return await after(20, item);
    };
    const results: number[] = [];
    const all = async (): Promise<void> => {
      for await (const result of inOrder([1, 2, 3], work, 3)) {
        results.push(result);
        await after(20, undefined);
      }
    };
    await expect(all()).rejects.toThrow('the second failed');
    expect(results).toEqual([1]);
  });
});
