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

/** A piece of work of some milliseconds; in `gently`, the calling thread rests after it, once for the pieces inside it. */
export function piece<Result>(work: () => Result): Result {
  if (!gentle) return work();
  gentle = false;
  const start = performance.now();
  try {
    return work();
  } finally {
    Atomics.wait(nobody, 0, 0, restFor * (performance.now() - start));
    gentle = true;
  }
}
