import type { Embedder } from './embedder.ts';
import { hashingEmbedder } from './hashing.ts';
import { type EmbedderRequest, locateModel } from './model-files.ts';
import { embedderPool } from './pool.ts';
import { transformersEmbedder } from './transformers.ts';

/** So few texts are hashed sooner than they are sent to a thread. */
const fewTexts = 512;

/**
 * Opens the embedder for a configured model, from disk only, on up to `width` threads of its own; the transformers
 * package is loaded for a real model alone. MODEL_UNKNOWN, MODEL_MISSING, MODEL_DIGEST, PACKAGE_MISSING.
 */
export async function openEmbedder(request: EmbedderRequest, width: number): Promise<Embedder> {
  if (request.model !== 'hashing')
    return await embedderPool({ request, threads: width > 1 ? 1 : undefined }, width);
  const here = hashingEmbedder();
  let pool: Promise<Embedder> | undefined;
  return {
    identity: here.identity,
    width,
    async embed(texts) {
      if (width === 1 || texts.length < fewTexts) return await here.embed(texts);
      pool ??= embedderPool({ request, threads: 1 }, width).catch((error: unknown) => {
        pool = undefined;
        throw error;
      });
      return await (await pool).embed(texts);
    },
    async close() {
      await (await pool?.catch(() => undefined))?.close();
    },
  };
}

/** The same on the calling thread. */
export async function openInThread(request: EmbedderRequest, threads: number | undefined): Promise<Embedder> {
  if (request.model === 'hashing') return hashingEmbedder();
  const { folder, spec } = await locateModel(request);
  return await transformersEmbedder({
    folder,
    spec,
    precision: request.precision,
    device: request.device,
    batchTokens: request.batchTokens,
    ...(threads === undefined ? {} : { threads }),
  });
}
