import type { IvfCoding } from './ivf-format.ts';

/** One piece of a build, done by one thread; `from` and `to` bound what it covers. */
export type BuildTask =
  /** Reads sample rows from the file. */
  | { readonly kind: 'sample'; readonly from: number; readonly to: number }
  /** Finds the centroid of sample rows. */
  | { readonly kind: 'nearest'; readonly from: number; readonly to: number }
  /** Moves centroids to the mean of their sample rows. */
  | { readonly kind: 'mean'; readonly from: number; readonly to: number }
  /** Learns the codebook of one segment. */
  | {
      readonly kind: 'segment';
      readonly segment: number;
      readonly segments: number;
      readonly byResidual: boolean;
    }
  /** Finds the list of rows of the file. */
  | { readonly kind: 'list'; readonly from: number; readonly to: number }
  /** Encodes rows of the file and writes them where they belong. */
  | { readonly kind: 'write'; readonly from: number; readonly to: number; readonly into: ListFile };

/** The inverted file being written. */
export interface ListFile {
  readonly path: string;
  readonly listsAt: number;
  /** Rows before each list, and the number of rows. */
  readonly firstPlaces: Uint32Array;
  readonly coding: IvfCoding;
}
