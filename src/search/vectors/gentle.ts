/** Times as long as a piece of work took that its thread rests after it. */
const restFor = 4;

let gentle = false;
const nobody = new Int32Array(new SharedArrayBuffer(4));

/** Runs work that is in no hurry: the pieces of it that are marked by `piece` leave the processor to others in between. */
export function gently<Result>(work: () => Result): Result {
  gentle = true;
  try {
    return work();
  } finally {
    gentle = false;
  }
}

/** A piece of work of a millisecond or so; in `gently`, the calling thread rests after it. */
export function piece<Result>(work: () => Result): Result {
  if (!gentle) return work();
  const start = performance.now();
  const result = work();
  Atomics.wait(nobody, 0, 0, restFor * (performance.now() - start));
  return result;
}
