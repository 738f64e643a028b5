/** What an index was made of: it is loaded anew where any of it is another. */
export type IndexIdentity = Readonly<Record<string, string | number>>;

/** How far an index is, as it says itself. */
export interface IndexMark {
  /** Everything was loaded, counted and settled. */
  readonly complete: boolean;
  /** Documents that the engine refused for good, where that was allowed. */
  readonly refused: number;
}

/** What an index of ours says of itself in its mapping. */
export function markOf(
  identity: IndexIdentity,
  { complete, refused }: IndexMark,
): { readonly portiere: object } {
  return { portiere: { ...identity, complete, refused } };
}

/** What an index says of itself; undefined where it was made of something else. */
export function readMark(
  meta: Readonly<Record<string, unknown>>,
  identity: IndexIdentity,
): IndexMark | undefined {
  const mark = meta['portiere'] as Readonly<Record<string, unknown>> | undefined;
  if (mark === undefined || Object.entries(identity).some(([key, value]) => mark[key] !== value))
    return undefined;
  return { complete: mark['complete'] === true, refused: Number(mark['refused'] ?? 0) };
}
