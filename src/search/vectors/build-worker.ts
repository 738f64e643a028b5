import type { BuildTask } from './build-task.ts';
import { createCraft } from './craft.ts';
import { serve } from './serve.ts';
import { atOnce } from './steps.ts';
import type { Workshop } from './workshop.ts';

serve<{ readonly shop: Workshop; readonly thread: number }>({
  name: ({ shop }) => shop.header.path,
  open: ({ shop, thread }) =>
    atOnce(() => {
      const craft = createCraft(shop, thread);
      return {
        answer: (task: BuildTask) => craft.work(task),
        close: () => craft.close(),
      };
    }),
});
