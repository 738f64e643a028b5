/** A small number (1 to 65,535) for each of many ids; 0 stands for an id that was never set. */
export interface IdTable {
  get(id: number): number;
  set(id: number, value: number): void;
}

const PAGE = 1_024;

/**
 * Pages of 1,024 ids, two bytes each, made as they are touched. Concept ids come in runs, so 6 million of them take 12
 * to 92 MB (the whole range of Athena's ids is 46 million), and a look-up near the last one costs next to nothing.
 */
export function createIdTable(): IdTable {
  const pages = new Map<number, Uint16Array>();
  let lastNumber = -1;
  let last: Uint16Array | undefined;
  const pageOf = (id: number): Uint16Array | undefined => {
    const number = Math.floor(id / PAGE);
    if (number !== lastNumber) {
      last = pages.get(number);
      lastNumber = number;
    }
    return last;
  };
  return {
    get: (id) => pageOf(id)?.[id % PAGE] ?? 0,
    set: (id, value) => {
      const page = pageOf(id) ?? new Uint16Array(PAGE);
      page[id % PAGE] = value;
      if (last !== undefined) return;
      last = page;
      pages.set(lastNumber, page);
    },
  };
}
