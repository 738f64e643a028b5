import { workerData } from 'node:worker_threads';
import { createCraft } from './craft.ts';
import { serve } from './serve.ts';
import type { Workshop } from './workshop.ts';

const { shop, thread } = workerData as { readonly shop: Workshop; readonly thread: number };
serve(shop.header.path, () => createCraft(shop, thread));
