import { readdirSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';

const background = 10;

/** Lets whatever else runs on the machine go first: this program, all threads that it has, and those it starts. */
export function giveWay(): void {
  if (getPriority() >= background) return;
  for (const thread of threads()) {
    try {
      setPriority(thread, background);
    } catch {
      // It has ended meanwhile.
    }
  }
}

/** On Linux each thread has a priority of its own; those that compile and collect garbage run since the start. */
function threads(): readonly number[] {
  try {
    return readdirSync('/proc/self/task').map(Number);
  } catch {
    return [0];
  }
}
