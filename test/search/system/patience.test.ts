import { describe, expect, it } from 'vitest';

import { PortiereError } from '../../../src/errors.ts';
import { restAfterFailure } from '../../../src/search/system/patience.ts';

describe('restAfterFailure', () => {
  const failing = (code: 'SEARCH_ENGINE_UNREACHABLE' | 'SEARCH_ENGINE_REFUSED') => async () => {
    throw new PortiereError(code, 'no', { hint: 'none' });
  };
  const well = async (): Promise<string> => 'answer';

  it('leaves a server that is away alone for a second', async () => {
    let now = 0;
    const ask = restAfterFailure(() => now);
    await expect(ask(failing('SEARCH_ENGINE_UNREACHABLE'))).rejects.toThrow('no');
    now = 999;
    await expect(ask(well)).rejects.toThrow('no');
    now = 1_000;
    expect(await ask(well)).toBe('answer');
  });

  it('goes on asking one that refused a question: the next may be another', async () => {
    const ask = restAfterFailure(() => 0);
    await expect(ask(failing('SEARCH_ENGINE_REFUSED'))).rejects.toThrow('no');
    expect(await ask(well)).toBe('answer');
  });
});
