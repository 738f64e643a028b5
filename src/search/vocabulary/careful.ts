import type { Tally } from './anomalies.ts';
import type { Layout } from './header.ts';
import { type Line, readRow, type Row } from './row.ts';

/** Reads the lines that a quick look leaves in doubt, one after the other, keeping the books. */
export interface Careful {
  /** True while the next line, whatever it looks like, may belong to one that was taken. */
  waits(): boolean;
  /** Rows that are complete with this line. */
  take(line: Line): readonly Row[];
  /** Rows of what was still waiting for more lines. */
  end(): Row[];
}

/** For files in which a line is a row. */
export function carefulLines(layout: Layout, tally: Tally): Careful {
  return {
    waits: () => false,
    take(line) {
      const row = readRow(layout, tally, line);
      tally.lines += 1;
      return row === undefined ? [] : [row];
    },
    end: () => [],
  };
}
