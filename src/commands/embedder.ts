import os from 'node:os';
import path from 'node:path';

import { PortiereError } from '../errors.ts';
import type { Ports } from '../ports.ts';
import type { EmbedderRequest } from '../search/embed/model-files.ts';
import { openEmbedder } from '../search/embed/open.ts';
import type { Embedder } from '../search/embed/embedder.ts';
import type { Project } from './context.ts';

/** The first graphics processor, as its driver shows it. */
const cudaDevice = '/dev/nvidia0';
/** More threads than this only wait for memory. */
const mostThreads = 8;

/** The configured embedder for single texts; MODEL_MISSING, MODEL_UNKNOWN or PACKAGE_MISSING say what it lacks. */
export async function embedderOf(ports: Ports, project: Project): Promise<Embedder> {
  return await openEmbedder(modelRequest(ports, project), 1);
}

/** The same for many texts at once: on the graphics processor, where there is one for it, else a thread a core. */
export async function builderOf(ports: Ports, project: Project): Promise<Embedder> {
  const request = modelRequest(ports, project);
  const { EMBEDDING_DEVICE: wanted, EMBEDDING_MODEL: model } = project.config.settings;
  const cores = Math.min(mostThreads, os.availableParallelism());
  if (wanted !== 'cpu' && model !== 'hashing') {
    const opened = await onCuda(ports, request);
    if ('embedder' in opened) return opened.embedder;
    if (wanted === 'cuda') {
      throw new PortiereError('PREFLIGHT_FAILED', `EMBEDDING_DEVICE is cuda, and ${opened.reason}.`, {
        hint: 'Set EMBEDDING_DEVICE=auto to embed on the processor; a container has to be handed the device.',
      });
    }
    ports.reporter.note(`Embedding on the processor, ${cores} threads: ${opened.reason}.`);
  }
  return await openEmbedder(request, cores);
}

/** The model on the graphics processor, or why it is not there. Single texts, of queries, never go there. */
async function onCuda(
  ports: Ports,
  request: EmbedderRequest,
): Promise<{ readonly embedder: Embedder } | { readonly reason: string }> {
  if (!(await ports.files.exists(cudaDevice))) return { reason: `there is no CUDA device (${cudaDevice})` };
  try {
    return { embedder: await openEmbedder({ ...request, device: 'cuda' }, 1) };
  } catch (error) {
    if (error instanceof PortiereError && error.code !== 'MODEL_DIGEST') throw error;
    return { reason: `the CUDA device cannot be used (${(error as Error).message})` };
  }
}

/** Which model is wanted and where it is looked for. */
export function modelRequest(ports: Ports, { config, resolve }: Project): EmbedderRequest {
  const { settings } = config;
  const { EMBEDDING_MODEL, EMBEDDING_PRECISION, MODEL_DIR } = settings;
  const { XDG_CACHE_HOME, HOME } = ports.caller.env;
  const caches = XDG_CACHE_HOME ?? path.join(HOME ?? os.homedir(), '.cache');
  return {
    model: EMBEDDING_MODEL,
    precision: EMBEDDING_PRECISION,
    modelDir: MODEL_DIR === '' ? undefined : resolve(MODEL_DIR),
    cacheDir: path.join(caches, 'portiere', 'models'),
    device: 'cpu',
    batchTokens: settings.EMBEDDING_BATCH_TOKENS,
  };
}
