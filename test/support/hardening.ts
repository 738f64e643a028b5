import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** What a running container was found to be held to; each true where it holds. */
export interface Hardening {
  readonly service: string;
  readonly checks: Readonly<Record<Check, { readonly holds: boolean; readonly found: string }>>;
}

/** In the order of the table's columns. */
export const hardeningChecks = [
  'user',
  'capabilities',
  'read-only-root',
  'no-new-privileges',
  'seccomp',
  'pids',
  'memory',
  'cpus',
  'logs',
  'restart',
  'healthcheck',
  'init',
  'stop-grace',
  'host',
  'ports',
] as const;
export type Check = (typeof hardeningChecks)[number];

/** Measures a running container: by what its processes are and may, where the kernel can be asked, else by what was configured. */
export function measureHardening(container: string): Hardening {
  const state = inspect(container);
  const { Config: config, HostConfig: host } = state;
  const processes = statuses(container);
  const all = (field: string, holds: (value: string) => boolean): boolean =>
    processes.length > 0 && processes.every((status) => holds(status[field] ?? ''));
  const users = [...new Set(processes.map((status) => status['Uid']?.split('\t')[0] ?? '?'))];
  const pids = limit(container, ['pids/pids.max', 'pids.max']);
  const memory = limit(container, ['memory/memory.limit_in_bytes', 'memory.max']);
  const quota = limit(container, ['cpu/cpu.cfs_quota_us', 'cpu.max']);
  const service = config.Labels['io.portiere.service'] ?? '';
  const written = writeAttempts(container);
  const ports = Object.entries(host.PortBindings ?? {}).flatMap(([port, bound]) =>
    (bound ?? []).map(({ HostPort }) => `${HostPort}->${port}`),
  );
  const shared = [
    host.Privileged ? 'privileged' : '',
    ...[host.PidMode, host.IpcMode, host.NetworkMode, host.UTSMode].filter((mode) => mode === 'host'),
    ...(host.CapAdd ?? []),
    ...(host.Devices ?? []).map(() => 'device'),
    ...state.Mounts.map(({ Source }) => Source).filter((source) => source.endsWith('docker.sock')),
  ].filter((word) => word !== '');
  const health = config.Healthcheck;
  const period = (health?.StartPeriod ?? 0) / 1e9;
  return {
    service,
    checks: {
      user: {
        holds: !users.includes('0') && !users.includes('?') && users.length > 0,
        found: users.join(','),
      },
      capabilities: {
        holds: all('CapEff', isZero) && all('CapPrm', isZero) && all('CapBnd', isZero),
        found: `${processes.length} processes, ${processes[0]?.['CapEff'] ?? '?'}`,
      },
      'read-only-root': {
        holds: host.ReadonlyRootfs && written.every((line) => line.includes('Read-only file system')),
        found: host.ReadonlyRootfs ? 'write refused' : 'writable',
      },
      'no-new-privileges': { holds: all('NoNewPrivs', (value) => value === '1'), found: 'NoNewPrivs 1' },
      seccomp: { holds: all('Seccomp', (value) => value === '2'), found: 'filter' },
      pids: { holds: Number(pids) > 0 && Number(pids) === host.PidsLimit, found: pids },
      memory: {
        holds: Number(memory) > 0 && Number(memory) === host.Memory,
        found: `${Number(memory) / 1024 ** 2}M`,
      },
      cpus: { holds: Number.parseInt(quota, 10) > 0, found: String(Number.parseInt(quota, 10) / 100_000) },
      logs: {
        holds:
          host.LogConfig.Type === 'json-file' &&
          'max-size' in host.LogConfig.Config &&
          'max-file' in host.LogConfig.Config,
        found: `${host.LogConfig.Config['max-file']} x ${host.LogConfig.Config['max-size']}`,
      },
      restart: { holds: host.RestartPolicy.Name === 'unless-stopped', found: host.RestartPolicy.Name },
      healthcheck: {
        holds: health !== null && health !== undefined && health.Test?.[0] !== 'NONE' && period > 0,
        found: `after ${period} s`,
      },
      init: { holds: host.Init === true, found: String(host.Init ?? false) },
      'stop-grace': { holds: (config.StopTimeout ?? 0) >= 10, found: `${config.StopTimeout} s` },
      host: { holds: shared.length === 0, found: shared.join(',') || 'apart' },
      ports: { holds: service === 'proxy' || ports.length === 0, found: ports.join(' ') || 'none' },
    },
  };
}

/** One line a service; what does not hold shows `waived` where it may be so, else `FAILS`. */
export function hardeningTable(
  rows: readonly Hardening[],
  isWaived: (service: string, check: Check) => boolean,
): string {
  const header = ['service', ...hardeningChecks];
  const lines = rows.map(({ service, checks }) => [
    service,
    ...hardeningChecks.map((check) => {
      const { holds, found } = checks[check];
      return holds ? found : isWaived(service, check) ? `waived (${found})` : `FAILS (${found})`;
    }),
  ]);
  const widths = header.map((_, column) =>
    Math.max(...[header, ...lines].map((line) => line[column]?.length ?? 0)),
  );
  return [header, ...lines]
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

interface Inspected {
  readonly Config: {
    readonly Labels: Readonly<Record<string, string>>;
    readonly Healthcheck?: { readonly Test?: readonly string[]; readonly StartPeriod?: number } | null;
    readonly StopTimeout?: number;
  };
  readonly HostConfig: {
    readonly ReadonlyRootfs: boolean;
    readonly Privileged: boolean;
    readonly PidMode: string;
    readonly IpcMode: string;
    readonly NetworkMode: string;
    readonly UTSMode: string;
    readonly CapAdd: readonly string[] | null;
    readonly Devices: readonly unknown[] | null;
    readonly PidsLimit: number | null;
    readonly Memory: number;
    readonly LogConfig: { readonly Type: string; readonly Config: Readonly<Record<string, string>> };
    readonly RestartPolicy: { readonly Name: string };
    readonly Init?: boolean | null;
    readonly PortBindings: Readonly<Record<string, readonly { readonly HostPort: string }[] | null>> | null;
  };
  readonly Mounts: readonly { readonly Source: string }[];
}

function inspect(container: string): Inspected {
  const [found] = JSON.parse(docker('inspect', container)) as Inspected[];
  if (found === undefined) throw new Error(`there is no container ${container}`);
  return found;
}

/** `/proc/<pid>/status` of every process of the container. */
function statuses(container: string): readonly Readonly<Record<string, string>>[] {
  const pids = docker('top', container, '-eo', 'pid').split('\n').slice(1);
  return pids.flatMap((pid) => {
    try {
      for (let look = 0; ; look++) {
        const lines = readFileSync(`/proc/${pid.trim()}/status`, 'utf8').split('\n');
        const status = Object.fromEntries(lines.map((line) => line.split(/:\t?/, 2) as [string, string]));
        // The engine's own program, just before it becomes a probe of the container's.
        if (status['Name']?.startsWith('runc:') !== true || look === 500) return [status];
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
      }
    } catch {
      // A probe that has ended since.
      return [];
    }
  });
}

/** As the container sees the limit of its control group, of either version. */
function limit(container: string, files: readonly string[]): string {
  const [one, other] = files.map((file) => `/sys/fs/cgroup/${file}`);
  return docker('exec', container, 'sh', '-c', `cat ${one} 2>/dev/null || cat ${other}`).trim();
}

/** What its root answers to being written by user 0 of the container: the user of its own is refused anyway. */
function writeAttempts(container: string): readonly string[] {
  const script =
    'for folder in / /etc /usr /usr/local/bin; do touch "$folder/portiere-probe" 2>&1 && rm "$folder/portiere-probe" && echo written; done; true';
  return docker('exec', '--user', '0', container, 'sh', '-c', script).trim().split('\n');
}

function isZero(mask: string): boolean {
  return /^0+$/.test(mask);
}

function docker(...args: readonly string[]): string {
  return execFileSync('docker', [...args], {
    encoding: 'utf8',
    timeout: 30_000,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}
