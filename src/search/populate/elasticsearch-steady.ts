import { hasCode } from '../../errors.ts';
import type { Patience } from './elasticsearch-delivery.ts';

/** Repeats a call that may be repeated for as long as the engine is away and we are patient. */
export async function steadily<T>(work: () => Promise<T>, patience: Patience): Promise<T> {
  const end = performance.now() + patience.whole;
  for (let pause = patience.first; ; pause = Math.min(patience.longest, pause * 2)) {
    try {
      return await work();
    } catch (error) {
      const isAway = hasCode(error, 'SEARCH_ENGINE_UNREACHABLE');
      if (!isAway || performance.now() + pause > end) throw error;
      await new Promise((resolve) => {
        setTimeout(resolve, pause);
      });
    }
  }
}
