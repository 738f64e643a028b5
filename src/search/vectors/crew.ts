import type { BuildTask } from './build-task.ts';
import { openInThreads, type Thread } from './thread.ts';
import type { Workshop } from './workshop.ts';

/** The threads of one build. */
export interface Crew {
  /** Has all tasks done, in any order; rejects with the first fault, once every thread has stopped. */
  run(tasks: readonly BuildTask[], each?: (task: BuildTask) => void): Promise<void>;
  close(): Promise<void>;
}

/** Starts `threads` workers on the workshop. */
export async function startCrew(shop: Workshop, threads: number): Promise<Crew> {
  const data = Array.from({ length: threads }, (_, thread) => ({ shop, thread }));
  const workers = await openInThreads<BuildTask, undefined>('build-worker', data);
  return {
    async run(tasks, each) {
      let next = 0;
      const work = async (worker: Thread<BuildTask, undefined>) => {
        while (next < tasks.length) {
          const task = tasks[next]!;
          next += 1;
          try {
            await worker.ask(task);
          } catch (error) {
            // Nobody begins another.
            next = tasks.length;
            throw error;
          }
          each?.(task);
        }
      };
      const ends = await Promise.allSettled(workers.map(work));
      const failed = ends.find((end) => end.status === 'rejected');
      if (failed) throw failed.reason;
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.close()));
    },
  };
}

/** Cuts 0..`count` into pieces of `size`. */
export function pieces(count: number, size: number): { readonly from: number; readonly to: number }[] {
  return Array.from({ length: Math.ceil(count / size) }, (_, at) => ({
    from: at * size,
    to: Math.min(count, (at + 1) * size),
  }));
}
