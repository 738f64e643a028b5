/** Works on some items at once and gives the results in the order of the items; no more than `width` are held. */
export async function* inOrder<Item, Result>(
  items: Iterable<Item>,
  work: (item: Item) => Promise<Result>,
  width: number,
): AsyncGenerator<Result> {
  const under: Promise<Result>[] = [];
  try {
    for (const item of items) {
      const result = work(item);
      // It is heard when its turn comes; until then its failure must not end the program.
      result.catch(() => undefined);
      under.push(result);
      if (under.length >= width) yield await under.shift()!;
    }
    while (under.length > 0) yield await under.shift()!;
  } finally {
    // Those that nobody waits for any more must not fail unheard.
    await Promise.allSettled(under);
  }
}
