import { PortiereError } from '../../errors.ts';
import { planBatches } from './batches.ts';
import type { Embedder } from './embedder.ts';
import { modelIdentity } from './identity.ts';
import type { ModelSpec, Precision } from './models.ts';
import { poolRows } from './pooling.ts';

export interface TransformersOptions {
  /** Folder of the model, as `locateModel` gives it. */
  readonly folder: string;
  readonly spec: Omit<ModelSpec, 'repo' | 'revision'>;
  readonly precision: Precision;
  /** Threads of the ONNX runtime; its own choice by default. */
  readonly threads?: number;
  readonly device?: 'cpu' | 'cuda';
  /** Tokens that the model is given at once at most. */
  readonly batchTokens?: number;
}

/** An Embedder that also shows what it gives to the model. */
export interface TransformersEmbedder extends Embedder {
  /** Token ids with the special ones, cut to the model's maximum length; the last special token stays. */
  tokenize(text: string): readonly number[];
}

type Transformers = typeof import('@huggingface/transformers');

/**
 * Embeds with an ONNX model on disk, never downloading. fp32 rows do not depend on what else is embedded; int8
 * rows do a little, and follow from the set of texts of the call. PACKAGE_MISSING, MODEL_MISSING, MODEL_DIGEST.
 */
export async function transformersEmbedder(options: TransformersOptions): Promise<TransformersEmbedder> {
  const { folder, spec, precision, threads, device = 'cpu', batchTokens } = options;
  const { AutoModel, AutoTokenizer, Tensor, env } = await loadTransformers();
  const identity = await modelIdentity({ folder, spec }, precision);
  env.allowRemoteModels = false;
  env.allowLocalModels = true;
  const local = { local_files_only: true } as const;
  const tokenizer = await loaded(folder, AutoTokenizer.from_pretrained(folder, local));
  const model = await loaded(
    folder,
    AutoModel.from_pretrained(folder, {
      ...local,
      device,
      dtype: precision === 'fp32' ? 'fp32' : 'q8',
      session_options: threads === undefined ? {} : { intraOpNumThreads: threads, interOpNumThreads: 1 },
    }),
  );
  const nothing = tokenizer.encode('').length;

  const tokenize = (text: string): readonly number[] => cut(tokenizer.encode(text), spec.maxLength);

  const forward = async (rows: readonly (readonly number[])[]): Promise<Float32Array> => {
    const length = rows[0]!.length;
    const size = rows.length * length;
    const shape = [rows.length, length];
    const tensor = (values: BigInt64Array) => new Tensor('int64', values, shape);
    const output = (await model({
      input_ids: tensor(BigInt64Array.from(rows.flat(), BigInt)),
      attention_mask: tensor(new BigInt64Array(size).fill(1n)),
      token_type_ids: tensor(new BigInt64Array(size)),
    })) as { last_hidden_state: { data: Float32Array; dims: readonly number[] } };
    const { data, dims } = output.last_hidden_state;
    if (dims[2] !== spec.dimension) {
      throw new PortiereError(
        'MODEL_UNKNOWN',
        `${folder} gives vectors of ${dims[2]}, not ${spec.dimension}.`,
        {
          hint: `Put the files of ${spec.name} there, or configure the model that is there.`,
        },
      );
    }
    return poolRows(data, { rows: rows.length, length, dimension: spec.dimension, pooling: spec.pooling });
  };

  return {
    identity,
    tokenize,
    async embed(texts) {
      const matrix = new Float32Array(texts.length * spec.dimension);
      const places = placesByText(texts);
      const encoded = [...places.keys()].map((text) => ({ text, ids: tokenize(text) }));
      const worthwhile = encoded.filter(({ ids }) => ids.length > nothing);
      for (const batch of planBatches(worthwhile, batchTokens)) {
        const vectors = await forward(batch.map(({ ids }) => ids));
        for (const [row, { text }] of batch.entries()) {
          const vector = vectors.subarray(row * spec.dimension, (row + 1) * spec.dimension);
          for (const place of places.get(text)!) matrix.set(vector, place * spec.dimension);
        }
      }
      return matrix;
    },
    async close() {
      await model.dispose();
    },
  };
}

async function loadTransformers(): Promise<Transformers> {
  try {
    return await import('@huggingface/transformers');
  } catch (error) {
    throw new PortiereError('PACKAGE_MISSING', 'The package @huggingface/transformers cannot be loaded.', {
      hint: 'npm install @huggingface/transformers, or embed without a model: EMBEDDING_MODEL=hashing.',
      cause: error,
    });
  }
}

async function loaded<T>(folder: string, loading: Promise<T>): Promise<T> {
  try {
    return await loading;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new PortiereError('MODEL_DIGEST', `The model in ${folder} cannot be loaded: ${reason}`, {
      hint: 'Download it again: portiere model pull',
      cause: error,
    });
  }
}

/** The library's own truncation drops the closing special token, which gives another vector. */
function cut(ids: readonly number[], maxLength: number): readonly number[] {
  return ids.length > maxLength ? [...ids.slice(0, maxLength - 1), ids.at(-1)!] : ids;
}

/** Where each distinct text is wanted. */
function placesByText(texts: readonly string[]): ReadonlyMap<string, readonly number[]> {
  const places = new Map<string, number[]>();
  for (const [place, text] of texts.entries()) {
    const known = places.get(text);
    if (known) known.push(place);
    else places.set(text, [place]);
  }
  return places;
}
