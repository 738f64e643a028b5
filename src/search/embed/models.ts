/** Where a model's ONNX export comes from and how its tokens become one vector. */
export interface ModelSpec {
  /** Name as it may be configured. */
  readonly name: string;
  /** Repository on huggingface.co that holds the ONNX files. */
  readonly repo: string;
  /** Commit of that repository; `main` where none is pinned: a pull then records the commit it got. */
  readonly revision: string;
  readonly pooling: Pooling;
  /** Tokens, special ones included. */
  readonly maxLength: number;
  readonly dimension: number;
}

export type Pooling = 'cls' | 'mean';
export type Precision = 'fp32' | 'int8';

/** The models known by name. */
export const knownModels: readonly ModelSpec[] = [
  {
    name: 'cambridgeltl/SapBERT-from-PubMedBERT-fulltext',
    repo: 'Xenova/SapBERT-from-PubMedBERT-fulltext',
    revision: 'main',
    // Trained for the first token: the mean of this one is a worse vector.
    pooling: 'cls',
    maxLength: 25,
    dimension: 768,
  },
  {
    name: 'sentence-transformers/all-MiniLM-L6-v2',
    repo: 'Xenova/all-MiniLM-L6-v2',
    revision: '751bff37182d3f1213fa05d7196b954e230abad9',
    pooling: 'mean',
    maxLength: 256,
    dimension: 384,
  },
];

/** The known model of that name, with or without its owner. */
export function findModel(name: string): ModelSpec | undefined {
  return knownModels.find((spec) => spec.name === name || baseName(spec.name) === name);
}

/** A model's name without its owner. */
export function baseName(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}

/** The file of weights for a precision, within a model's folder. */
const weightFiles: Readonly<Record<Precision, string>> = {
  fp32: 'onnx/model.onnx',
  int8: 'onnx/model_quantized.onnx',
};

/** Every file an embedder of that precision reads, within the model's folder. */
export function modelFiles(precision: Precision): readonly string[] {
  return ['config.json', 'tokenizer.json', 'tokenizer_config.json', weightFiles[precision]];
}
