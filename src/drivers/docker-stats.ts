import type { ContainerStats } from '../ports/engine.ts';

interface RawStats {
  readonly cpu_stats?: RawCpu;
  readonly precpu_stats?: RawCpu;
  readonly memory_stats?: {
    readonly usage?: number;
    readonly limit?: number;
    readonly stats?: Readonly<Record<string, number>>;
  };
  readonly pids_stats?: { readonly current?: number };
}

interface RawCpu {
  readonly cpu_usage: { readonly total_usage: number };
  readonly system_cpu_usage?: number;
  readonly online_cpus?: number;
}

/** What a container uses, as `docker stats` counts it: file cache that can go is not memory in use. */
export function statsOf(raw: RawStats): ContainerStats {
  const { usage = 0, limit = 0, stats = {} } = raw.memory_stats ?? {};
  const cache = stats['total_inactive_file'] ?? stats['inactive_file'] ?? 0;
  return {
    cpus: cpusOf(raw.cpu_stats, raw.precpu_stats),
    memoryBytes: cache < usage ? usage - cache : usage,
    memoryLimitBytes: limit,
    pids: raw.pids_stats?.current ?? 0,
  };
}

function cpusOf(now: RawCpu | undefined, before: RawCpu | undefined): number {
  if (now === undefined || before === undefined) return 0;
  const used = now.cpu_usage.total_usage - before.cpu_usage.total_usage;
  const passed = (now.system_cpu_usage ?? 0) - (before.system_cpu_usage ?? 0);
  return used > 0 && passed > 0 ? (used / passed) * (now.online_cpus ?? 1) : 0;
}
