import os from 'node:os';
import path from 'node:path';

import type { Ports } from '../ports.ts';
import type { ModelPlaces } from '../search/embed/model-files.ts';
import { openEmbedder } from '../search/embed/open.ts';
import type { Embedder } from '../search/embed/embedder.ts';
import type { Project } from './context.ts';

/** More threads than this only wait for memory. */
const mostThreads = 8;

/** The configured embedder for single texts; MODEL_MISSING, MODEL_UNKNOWN or PACKAGE_MISSING say what it lacks. */
export async function embedderOf(ports: Ports, project: Project): Promise<Embedder> {
  return await openEmbedder(modelRequest(ports, project), 1);
}

/** The same for many texts at once: a thread a core. */
export async function builderOf(ports: Ports, project: Project): Promise<Embedder> {
  return await openEmbedder(modelRequest(ports, project), Math.min(mostThreads, os.availableParallelism()));
}

/** Which model is wanted and where it is looked for. */
export function modelRequest(ports: Ports, { config, resolve }: Project): ModelPlaces {
  const { EMBEDDING_MODEL, EMBEDDING_PRECISION, MODEL_DIR } = config.settings;
  const { XDG_CACHE_HOME, HOME } = ports.caller.env;
  const caches = XDG_CACHE_HOME ?? path.join(HOME ?? os.homedir(), '.cache');
  return {
    model: EMBEDDING_MODEL,
    precision: EMBEDDING_PRECISION,
    modelDir: MODEL_DIR === '' ? undefined : resolve(MODEL_DIR),
    cacheDir: path.join(caches, 'portiere', 'models'),
  };
}
