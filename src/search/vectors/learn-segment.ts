import type { MatrixKernels } from './kernel-matrix.ts';
import { lloyd } from './lloyd.ts';
import { SEGMENT_SAMPLE, segmentStride, type Workshop } from './workshop.ts';

const ITERATIONS = 12;

export interface SegmentToLearn {
  readonly segment: number;
  readonly segments: number;
  readonly byResidual: boolean;
  readonly scratchAt: number;
}

/** Learns the 256 centroids of one segment of the sample (less the rows' centroids) into the shared codebook. */
export function learnSegment(shop: Workshop, kernels: MatrixKernels, given: SegmentToLearn): void {
  const { memory, header, book, sampleAt, sampleRows, nearest } = shop;
  const { segment, segments, scratchAt } = given;
  const width = header.dimension / segments;
  const stride = segmentStride(header.dimension, segments);
  const room = Math.min(sampleRows, SEGMENT_SAMPLE);
  const floats = new Float32Array(memory.buffer);
  const points = new Float32Array(memory.buffer, scratchAt, (room * stride) / 4);
  points.fill(0);
  let count = 0;
  for (let at = 0; at < room; at += 1) {
    const row = Math.floor((at * sampleRows) / room);
    const centroid = nearest[row]!;
    if (centroid < 0) continue;
    const from = (sampleAt + row * book.stride) / 4 + segment * width;
    const base = (book.centroidsAt + centroid * book.stride) / 4 + segment * width;
    for (let i = 0; i < width; i += 1) {
      points[(count * stride) / 4 + i] = floats[from + i]! - (given.byResidual ? floats[base + i]! : 0);
    }
    count += 1;
  }
  const centroidsAt = scratchAt + room * stride;
  const biasAt = centroidsAt + 256 * stride;
  const spherical = false;
  lloyd(memory, kernels, {
    pointsAt: scratchAt,
    count,
    stride,
    k: 256,
    centroidsAt,
    biasAt,
    outAt: biasAt + 1024,
    iterations: ITERATIONS,
    spherical,
  });
  for (let code = 0; code < 256; code += 1) {
    const from = (centroidsAt + code * stride) / 4;
    shop.segmentBook.set(floats.subarray(from, from + width), (segment * 256 + code) * width);
  }
}
