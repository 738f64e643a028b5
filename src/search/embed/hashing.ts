import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { PortiereError } from '../../errors.ts';
import { commonWords } from './common-words.ts';
import type { Embedder } from './embedder.ts';

/** Raise when a change gives any text another vector: indexes built before are then refused. */
const REVISION = '1';
/** Weight of an n-gram within its word, by length. */
const GRAM_WEIGHT = [0, 0, 0.5, 1, 1] as const;
const LONGEST_GRAM = GRAM_WEIGHT.length - 1;
/** Part of a word's squared length given to the word itself, the rest to its n-grams. */
const WHOLE_WORD = 0.1;
const TEXTS_A_TURN = 2000;
const FEW_WORDS = 32;

/**
 * Character n-grams and whole words hashed into `dimension` signed buckets: no model, no corpus, the same
 * float32 bits on every machine. Finds the same stems, other word orders and misspellings, not synonyms.
 */
export function hashingEmbedder({ dimension = 384 }: { readonly dimension?: number } = {}): Embedder {
  if (!Number.isInteger(dimension) || dimension < 16 || dimension > 4096) {
    throw new PortiereError('CONFIG_INVALID', `The hashing embedder cannot have dimension ${dimension}.`, {
      hint: 'Choose a whole number from 16 to 4096; 384 is a good one.',
    });
  }
  return {
    identity: {
      provider: 'hashing',
      model: 'hashing-ngram',
      revision: REVISION,
      pooling: 'none',
      precision: 'fp32',
      dimension,
      maxLength: 0,
      digest: digestOfParameters(dimension),
    },
    async embed(texts) {
      const matrix = new Float32Array(texts.length * dimension);
      for (const [at, text] of texts.entries()) {
        if (at > 0 && at % TEXTS_A_TURN === 0) await setImmediate();
        embedOne(text, matrix.subarray(at * dimension, (at + 1) * dimension));
      }
      return matrix;
    },
    async close() {},
  };
}

/** Lower case, no accents, British "ae" and "oe" as "e", anything but letters and digits as a space. */
export function normalise(text: string): string {
  const plain = isAscii(text) ? text : text.normalize('NFKD').replace(/\p{M}/gu, '');
  return plain
    .toLowerCase()
    .replace(/[ao]e|[æœ]/g, 'e')
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}

function embedOne(text: string, vector: Float32Array): void {
  const words = normalise(text).split(' ');
  // A word said twice is no more about itself. Looking back is cheap in a name, and not in a whole document.
  const unsaid = words.length > FEW_WORDS ? new Set(words) : undefined;
  for (const [at, word] of words.entries()) {
    const first = unsaid?.delete(word) ?? words.indexOf(word) === at;
    if (word !== '' && first) addWord(word, vector);
  }
  normaliseLength(vector);
}

/**
 * Every word is a vector of its own length first, so that a long word does not drown a short one by having
 * more n-grams. That length grows as the eighth root: by square roots, because they are exact everywhere.
 */
function addWord(word: string, vector: Float32Array): void {
  const bounded = ` ${word} `;
  const length = (commonWords.get(word) ?? 1) * Math.sqrt(Math.sqrt(Math.sqrt(word.length)));
  const gramScale = (length * Math.sqrt(1 - WHOLE_WORD)) / Math.sqrt(squaredGramWeights(bounded.length));
  for (let start = 0; start < bounded.length; start += 1) {
    let hash = FNV_BASIS;
    const end = Math.min(bounded.length, start + LONGEST_GRAM);
    for (let at = start; at < end; at += 1) {
      hash = fnvStep(hash, bounded.charCodeAt(at));
      const weight = GRAM_WEIGHT[at - start + 1]!;
      if (weight > 0) addFeature(hash, weight * gramScale, vector);
    }
  }
  let hash = WORD_BASIS;
  for (let at = 0; at < word.length; at += 1) hash = fnvStep(hash, word.charCodeAt(at));
  addFeature(hash, length * Math.sqrt(WHOLE_WORD), vector);
}

function squaredGramWeights(length: number): number {
  let sum = 0;
  for (let gram = 1; gram <= Math.min(LONGEST_GRAM, length); gram += 1) {
    sum += (length - gram + 1) * GRAM_WEIGHT[gram]! ** 2;
  }
  return sum;
}

/** One bucket and one sign a feature: the lowest bit is the sign, the others choose the bucket. */
function addFeature(hash: number, weight: number, vector: Float32Array): void {
  const mixed = scatter(hash);
  const bucket = (mixed >>> 1) % vector.length;
  vector[bucket]! += (mixed & 1) === 1 ? weight : -weight;
}

// 32-bit FNV-1a over UTF-16 units, with another start for whole words than for n-grams.
const FNV_BASIS = 0x811c9dc5 | 0;
const WORD_BASIS = 0x01234567;

function fnvStep(hash: number, unit: number): number {
  return Math.imul(hash ^ unit, 0x01000193);
}

/** MurmurHash3's finaliser: FNV alone leaves the low bits too alike. */
function scatter(hash: number): number {
  let mixed = hash ^ (hash >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function normaliseLength(vector: Float32Array): void {
  let squares = 0;
  for (const value of vector) squares += value * value;
  if (squares === 0) return;
  const scale = 1 / Math.sqrt(squares);
  for (let at = 0; at < vector.length; at += 1) vector[at]! *= scale;
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) > 127) return false;
  return true;
}

function digestOfParameters(dimension: number): string {
  const parameters = { REVISION, GRAM_WEIGHT, WHOLE_WORD, commonWords: [...commonWords], dimension };
  return createHash('sha256').update(JSON.stringify(parameters)).digest('hex');
}
