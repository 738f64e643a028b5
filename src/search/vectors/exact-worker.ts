import { workerData } from 'node:worker_threads';
import { type ExactScan, scanExactly } from './exact-scan.ts';
import { serve } from './serve.ts';

const scan = workerData as Omit<ExactScan, 'from' | 'to'>;
serve(scan.header.path, () => (part: Pick<ExactScan, 'from' | 'to'>) => scanExactly({ ...scan, ...part }));
