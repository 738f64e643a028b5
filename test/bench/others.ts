import { readdirSync, readFileSync } from 'node:fs';

/** Processor time in ticks: of the whole machine, and of this process with all that it started. */
interface Used {
  readonly all: number;
  readonly total: number;
  readonly ours: number;
}

/** Begins to count; the answer is the share of the machine that others have used since, 0 to 1. */
export function watchOthers(): () => number {
  const before = used();
  return () => {
    const now = used();
    const others = now.all - before.all - (now.ours - before.ours);
    return Math.max(0, others) / Math.max(1, now.total - before.total);
  };
}

function used(): Used {
  const line = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0] ?? '';
  const times = line.trim().split(/\s+/).slice(1, 9).map(Number);
  const total = times.reduce((sum, one) => sum + one, 0);
  const idle = (times[3] ?? 0) + (times[4] ?? 0);
  return { all: total - idle, total, ours: oursNow() };
}

/** Ended children count through the parent that waited for them. */
function oursNow(): number {
  const processes = new Map<number, { readonly parent: number; readonly ticks: number }>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const text = readFileSync(`/proc/${name}/stat`, 'utf8');
      const fields = text
        .slice(text.lastIndexOf(')') + 2)
        .split(' ')
        .map(Number);
      processes.set(Number(name), {
        parent: fields[1] ?? 0,
        ticks: (fields[11] ?? 0) + (fields[12] ?? 0) + (fields[13] ?? 0) + (fields[14] ?? 0),
      });
    } catch {
      // It has ended meanwhile.
    }
  }
  let sum = 0;
  for (let pids = [process.pid]; pids.length > 0;) {
    for (const pid of pids) sum += processes.get(pid)?.ticks ?? 0;
    const parents = new Set(pids);
    pids = [...processes].flatMap(([pid, { parent }]) => (parents.has(parent) ? [pid] : []));
  }
  return sum;
}
