import type { IvfCoding } from './ivf-format.ts';
import type { MatrixKernels } from './kernel-matrix.ts';
import { BLOCK_ROWS, segmentStride, type Workshop } from './workshop.ts';

/** Encodes the rows at the start of a thread's scratch. */
export type BlockCoder = (block: {
  /** List of each row. */
  readonly lists: Int32Array;
  /** Where in `codes` the code of each row goes. */
  readonly starts: Uint32Array;
  readonly codes: Uint8Array;
}) => void;

interface Tools<C extends IvfCoding> {
  readonly coding: C;
  readonly kernels: MatrixKernels;
  readonly blockAt: number;
}

/** The coder of a kind of inverted file, giving the codes FAISS would. */
export function createBlockCoder(shop: Workshop, tools: Tools<IvfCoding>): BlockCoder {
  const { coding } = tools;
  if (coding.kind === 'flat') return copyRows(shop, tools);
  if (coding.kind === 'sq8') return scaleRows(shop, { ...tools, coding });
  return quantiseSegments(shop, { ...tools, coding });
}

function copyRows({ memory, header, book }: Workshop, { blockAt }: Tools<IvfCoding>): BlockCoder {
  const bytes = new Uint8Array(memory.buffer);
  return ({ starts, codes }) => {
    for (const [row, start] of starts.entries()) {
      const from = blockAt + row * book.stride;
      codes.set(bytes.subarray(from, from + 4 * header.dimension), start);
    }
  };
}

function scaleRows(
  { memory, header, book }: Workshop,
  { coding, blockAt }: Tools<Extract<IvfCoding, { kind: 'sq8' }>>,
): BlockCoder {
  const { dimension } = header;
  const { lowest, byResidual } = coding;
  const floats = new Float32Array(memory.buffer);
  const scale = coding.range.map((width) => (width === 0 ? 0 : 255 / width));
  const none = new Float32Array(dimension);
  return ({ lists, starts, codes }) => {
    for (const [row, list] of lists.entries()) {
      const from = (blockAt + row * book.stride) / 4;
      const base = (book.centroidsAt + list * book.stride) / 4;
      const centroid = byResidual ? floats.subarray(base, base + dimension) : none;
      const start = starts[row]!;
      for (let i = 0; i < dimension; i += 1) {
        const step = (floats[from + i]! - centroid[i]! - lowest[i]!) * scale[i]!;
        codes[start + i] = step < 0 ? 0 : step > 255 ? 255 : step;
      }
    }
  };
}

/** The nearest of each segment's 256 centroids by distance, four rows at a time. */
function quantiseSegments(
  { memory, header, book }: Workshop,
  { coding, kernels, blockAt }: Tools<Extract<IvfCoding, { kind: 'pq' }>>,
): BlockCoder {
  const { segments, codebook, byResidual } = coding;
  const { dimension } = header;
  const width = dimension / segments;
  const stride = segmentStride(dimension, segments);
  const floats = new Float32Array(memory.buffer);
  const foursAt = blockAt + BLOCK_ROWS * book.stride;
  const bookAt = foursAt + 4 * segments * stride;
  const biasAt = bookAt + segments * 256 * stride;
  const outAt = biasAt + segments * 1024;
  const found = new Int32Array(memory.buffer, outAt + 16, 4);
  floats.fill(0, foursAt / 4, biasAt / 4);
  for (let code = 0; code < segments * 256; code += 1) {
    const vector = codebook.subarray(code * width, (code + 1) * width);
    floats.set(vector, (bookAt + code * stride) / 4);
    floats[biasAt / 4 + code] = -vector.reduce((sum, value) => sum + value * value, 0) / 2;
  }
  const find = stride % 64 === 0 ? kernels.nearest : kernels.nearestShort;

  /** Row `row` of the block, less its centroid, with its segments padded, as one of the four. */
  const prepare = (four: number, row: number, list: number) => {
    const from = (blockAt + row * book.stride) / 4;
    const base = (book.centroidsAt + list * book.stride) / 4;
    const into = (foursAt + four * segments * stride) / 4;
    for (let segment = 0; segment < segments; segment += 1) {
      for (let i = segment * width; i < (segment + 1) * width; i += 1) {
        const value = floats[from + i]! - (byResidual ? floats[base + i]! : 0);
        floats[into + segment * (stride / 4) + i - segment * width] = value;
      }
    }
  };
  return ({ lists, starts, codes }) => {
    for (let first = 0; first < lists.length; first += 4) {
      const rows = Math.min(4, lists.length - first);
      for (let four = 0; four < rows; four += 1) prepare(four, first + four, lists[first + four]!);
      for (let segment = 0; segment < segments; segment += 1) {
        const at = (four: number) => foursAt + (four * segments + segment) * stride;
        const bias = biasAt + segment * 1024;
        find(at(0), at(1), at(2), at(3), bookAt + segment * 256 * stride, 256, stride, bias, outAt);
        for (let four = 0; four < rows; four += 1) codes[starts[first + four]! + segment] = found[four]!;
      }
    }
  };
}
