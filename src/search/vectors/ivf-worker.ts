import { workerData } from 'node:worker_threads';
import { createListSearch, type ListSearchData } from './list-search.ts';
import { serve } from './serve.ts';

const data = workerData as ListSearchData;
serve(data.layout.path, () => createListSearch(data));
