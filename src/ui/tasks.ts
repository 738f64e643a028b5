import { Listr, type ListrDefaultRendererLogLevels, ListrLogger, ProcessOutput } from 'listr2';

import type { Progress } from '../ports.ts';
import { duration, newPace, type StepRunner } from './format.ts';

/** Steps drawn on a terminal by listr2: spinner, progress under it, time behind it, all on standard error. */
export function taskSteps(interrupted: AbortSignal, clean: (text: string) => string): StepRunner {
  return async <T>(given: string, work: (progress: Progress) => Promise<T>): Promise<T> => {
    const title = clean(given);
    const start = performance.now();
    const pace = newPace(start);
    const outcome: { value?: T } = {};
    const list = new Listr(
      [
        {
          title,
          async task(_context, task) {
            outcome.value = await work({
              update(done, total, unit) {
                interrupted.throwIfAborted();
                task.output = pace(done, total, unit, performance.now());
              },
              say(text) {
                interrupted.throwIfAborted();
                task.output = clean(text);
              },
            });
            task.title = `${title} (${duration(performance.now() - start)})`;
          },
        },
      ],
      {
        registerSignalListeners: false,
        rendererOptions: {
          logger: new ListrLogger<ListrDefaultRendererLogLevels>({
            processOutput: new ProcessOutput(process.stderr, process.stderr),
          }),
          showErrorMessage: false,
        },
      },
    );
    await list.run();
    return outcome.value as T;
  };
}
