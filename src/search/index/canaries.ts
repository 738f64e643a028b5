import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';

import { PortiereError } from '../../errors.ts';
import type { Embedder } from '../embed/embedder.ts';
import { replaceFile } from '../system/disk.ts';
import type { Manifest } from './manifest.ts';

type Canaries = Manifest['canaries'];

/** Short and long, plain and odd: what one processor rounds another way shows in some of them. */
const texts = [
  'Myocardial infarction',
  'E11.9',
  'diabetes mellitus type 2 without complications',
  'hypertension, unspecified',
  'Fracture of lower end of left radius, initial encounter for closed fracture',
  'caffeine 100 MG Oral Tablet',
  'β-hemolytic streptococcus',
  'pain',
] as const;

/** Smallest cosine between a canary's vector and the one that it gets now. */
const least = { fp32: 0.9999, int8: 0.98 } as const;

/** Embeds the canaries one by one, as queries are. */
export async function sendCanaries(embedder: Embedder): Promise<Canaries> {
  const canaries: { text: string; vector: string }[] = [];
  for (const text of texts) {
    const vector = await embedder.embed([text]);
    canaries.push({
      text,
      vector: Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64'),
    });
  }
  return canaries;
}

/** INDEX_INVALID where the embedder no longer gives the vectors that it gave when the index was built. */
export async function checkCanaries({ id, canaries }: Manifest, embedder: Embedder): Promise<void> {
  const drift = await driftOf(canaries, embedder);
  if (drift === undefined) return;
  throw new PortiereError(
    'INDEX_INVALID',
    `The model here computes other vectors than the one that built ${id}: ${drift}.`,
    { hint: 'Another processor or model file does that. Build the index here: portiere index build' },
  );
}

/**
 * INDEX_INVALID where the embedder no longer gives the vectors that are kept in `folder`; the first to open it leaves
 * its canaries there.
 */
export async function guardKept(folder: string, embedder: Embedder): Promise<void> {
  const file = path.join(folder, 'canaries.json');
  const kept = await readFile(file, 'utf8').catch(() => undefined);
  if (kept === undefined) {
    await mkdir(folder, { recursive: true });
    await replaceFile(file, JSON.stringify(await sendCanaries(embedder)));
    return;
  }
  const drift = await driftOf(JSON.parse(kept) as Canaries, embedder);
  if (drift === undefined) return;
  throw new PortiereError(
    'INDEX_INVALID',
    `The model here computes other vectors than those kept in ${folder}: ${drift}.`,
    {
      hint: 'Another processor or model file does that. Build where they come from, or remove the folder to embed all texts here.',
    },
  );
}

/** The first canary whose vector is another one now, and how; undefined where all are the same. */
async function driftOf(canaries: Canaries, embedder: Embedder): Promise<string | undefined> {
  const { precision, dimension } = embedder.identity;
  for (const { text, vector: stored } of canaries) {
    const bytes = new Uint8Array(Buffer.from(stored, 'base64'));
    if (bytes.length !== dimension * 4) return `for "${text}", it has another dimension`;
    const before = new Float32Array(bytes.buffer);
    const now = await embedder.embed([text]);
    const cosine = before.reduce((sum, value, at) => sum + value * now[at]!, 0);
    const blank = before.every((value) => value === 0) && now.every((value) => value === 0);
    if (!blank && !(cosine >= least[precision])) {
      return `for "${text}", its cosine with the stored vector is ${cosine.toFixed(4)}`;
    }
  }
  return undefined;
}
