import { type ExactScan, scanExactly } from './exact-scan.ts';
import { serve } from './serve.ts';
import { atOnce } from './steps.ts';

type Part = Pick<ExactScan, 'from' | 'to'>;

serve<Omit<ExactScan, keyof Part>>({
  name: ({ header }) => header.path,
  open: (scan) =>
    atOnce(() => ({
      answer: (part: Part) => scanExactly({ ...scan, ...part }),
      close() {},
    })),
});
