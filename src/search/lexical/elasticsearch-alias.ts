import type { SearchEngine } from '../../ports/search-engine.ts';

/** Makes an alias name one index alone, in one call; none where it does already. */
export async function pointAlias(
  engine: SearchEngine,
  { alias, index }: { readonly alias: string; readonly index: string },
): Promise<void> {
  const before = await engine.aliased(alias);
  if (before.length === 1 && before[0] === index) return;
  await engine.moveAlias(alias, { from: before.filter((name) => name !== index), to: index });
}
