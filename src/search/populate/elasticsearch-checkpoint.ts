/** Where a load stands: in the index of this `uuid`, every document with a number up to `upTo` is on its disk. */
export interface LoadPoint {
  readonly index: string;
  readonly uuid: string;
  readonly upTo: number;
}

/** Where a load writes down how far it is, to go on from there after it was killed. */
export interface LoadCheckpoint {
  load(): Promise<LoadPoint | undefined>;
  save(point: LoadPoint): Promise<void>;
}

/** Milliseconds between two notes of how far it is. */
const noteEvery = 250;

/**
 * Runs a load that tells how far it is, and writes the newest point down now and then, one at a time; the last one also
 * where the load fails. What the load fails of counts before what a note does.
 */
export async function noting(
  checkpoint: LoadCheckpoint | undefined,
  load: (note: (point: LoadPoint) => void) => Promise<void>,
): Promise<void> {
  const notes = checkpoint === undefined ? undefined : noteTaker(checkpoint);
  try {
    await load((point) => notes?.note(point));
  } catch (error) {
    await notes?.end().catch(() => undefined);
    throw error;
  }
  await notes?.end();
}

function noteTaker(checkpoint: LoadCheckpoint): {
  note(point: LoadPoint): void;
  /** Writes down the last point; throws what failed there. */
  end(): Promise<void>;
} {
  let newest: LoadPoint | undefined;
  let saving: Promise<void> | undefined;
  let failure: { readonly error: unknown } | undefined;
  let last = performance.now();
  const save = async (): Promise<void> => {
    const point = newest;
    newest = undefined;
    last = performance.now();
    try {
      if (point !== undefined) await checkpoint.save(point);
    } catch (error) {
      failure ??= { error };
    } finally {
      saving = undefined;
    }
  };
  return {
    note(point) {
      if (failure !== undefined) throw failure.error;
      newest = point;
      if (saving === undefined && performance.now() - last >= noteEvery) saving = save();
    },
    async end() {
      await saving;
      await save();
      if (failure !== undefined) throw failure.error;
    },
  };
}
