/** How the neighbour graph (HNSW) of a store is built and searched. */
export interface GraphShape {
  /** Neighbours of a vector. */
  readonly m: number;
  readonly efConstruction: number;
  /** Candidates that a search looks at for each row it gives. */
  readonly effort: number;
}

/** Bytes of memory and of disk that a copy of some vectors takes in the server that searches them. */
export interface ServerNeeds {
  readonly memory: number;
  readonly disk: number;
}

/**
 * Elasticsearch reads codes of a byte a dimension and the graph through the file cache, beside its heap, and keeps
 * whole vectors on disk alone; Milvus holds whole vectors and the graph.
 */
export function serverNeeds(
  engine: 'elasticsearch' | 'milvus',
  {
    count,
    dimension,
    graph,
  }: { readonly count: number; readonly dimension: number; readonly graph: GraphShape },
): ServerNeeds {
  const whole = count * dimension * 4;
  const links = count * graph.m * 4;
  if (engine === 'milvus') return { memory: whole + 2 * links, disk: 2 * whole + 2 * links };
  const codes = count * (dimension + 4);
  return { memory: codes + links, disk: whole + codes + links };
}

/**
 * The graph for a quality; `high` takes about twice as long to build and to search. Milvus walks only through what
 * a filter lets pass, so its graph needs more neighbours: with four of five rows filtered out, 16 found 93 to 99 %
 * of what looking at every row does, 32 found all of it.
 */
export function graphShape(engine: 'elasticsearch' | 'milvus', quality: 'standard' | 'high'): GraphShape {
  const high = quality === 'high';
  if (engine === 'milvus')
    return { m: high ? 48 : 32, efConstruction: high ? 400 : 200, effort: high ? 4 : 2 };
  return { m: high ? 32 : 16, efConstruction: high ? 200 : 100, effort: high ? 4 : 2 };
}
