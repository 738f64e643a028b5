import { setFlagsFromString } from 'node:v8';

/**
 * For a process that answers requests: whatever one allocates is looked for among what is young. Where V8 sees, while
 * it starts, that some of it lives a little longer, it puts all of that kind among what is old, which is looked through
 * seldom and slowly (30 ms every six seconds at 80 searches a second). Modules that are loaded later are compiled anew,
 * since Node keeps compiled ones by V8's flags.
 */
export function keepGarbageYoung(): void {
  setFlagsFromString('--no-allocation-site-pretenuring');
}
