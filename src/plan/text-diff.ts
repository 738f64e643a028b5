const context = 2;
const mostLines = 40;
/** Above, comparing all lines with all is not worth it. */
const mostPairs = 4_000_000;

type Line = readonly [mark: ' ' | '-' | '+', text: string];

/** How one text becomes another, as the lines of a unified diff; at most 40 of them. */
export function textDiff(path: string, before: string, after: string): string {
  const lines = changes(before.split('\n'), after.split('\n'));
  const near = lines.map((_, at) =>
    lines.slice(Math.max(0, at - context), at + context + 1).some(([mark]) => mark !== ' '),
  );
  const shown = lines.flatMap(([mark, text], at) => {
    if (near[at] !== true) return [];
    return at > 0 && near[at - 1] !== true ? ['@@', mark + text] : [mark + text];
  });
  const left = shown.length - mostLines;
  return [
    `--- ${path} (there)`,
    `+++ ${path} (rendered)`,
    ...shown.slice(0, mostLines),
    ...(left > 0 ? [`... ${left} more lines`] : []),
  ].join('\n');
}

function changes(before: readonly string[], after: readonly string[]): readonly Line[] {
  if (before.length * after.length > mostPairs) {
    return [...before.map((text): Line => ['-', text]), ...after.map((text): Line => ['+', text])];
  }
  const common = commonLengths(before, after);
  const lines: Line[] = [];
  let [row, column] = [0, 0];
  while (row < before.length || column < after.length) {
    const [old, fresh] = [before[row], after[column]];
    if (old !== undefined && old === fresh) {
      lines.push([' ', old]);
      row += 1;
      column += 1;
    } else if (
      fresh === undefined ||
      (old !== undefined && lengthAt(common, row + 1, column) >= lengthAt(common, row, column + 1))
    ) {
      lines.push(['-', old ?? '']);
      row += 1;
    } else {
      lines.push(['+', fresh]);
      column += 1;
    }
  }
  return lines;
}

/** Lines that the texts share in order, from each pair of places on. */
function commonLengths(before: readonly string[], after: readonly string[]): readonly Uint32Array[] {
  const common = Array.from({ length: before.length + 1 }, () => new Uint32Array(after.length + 1));
  for (let row = before.length - 1; row >= 0; row -= 1) {
    const line = common[row];
    if (line === undefined) continue;
    for (let column = after.length - 1; column >= 0; column -= 1) {
      line[column] =
        before[row] === after[column]
          ? lengthAt(common, row + 1, column + 1) + 1
          : Math.max(lengthAt(common, row + 1, column), lengthAt(common, row, column + 1));
    }
  }
  return common;
}

function lengthAt(common: readonly Uint32Array[], row: number, column: number): number {
  return common[row]?.[column] ?? 0;
}
