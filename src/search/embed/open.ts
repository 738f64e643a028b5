import type { Embedder } from './embedder.ts';
import { hashingEmbedder } from './hashing.ts';
import { locateModel, type ModelPlaces } from './model-files.ts';
import { transformersEmbedder } from './transformers.ts';

/** Opens the embedder for a configured model, from disk only; the transformers package is loaded for a real one. */
export async function openEmbedder(places: ModelPlaces): Promise<Embedder> {
  if (places.model === 'hashing') return hashingEmbedder();
  const { folder, spec } = await locateModel(places);
  return await transformersEmbedder({ folder, spec, precision: places.precision });
}
