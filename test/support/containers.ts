import type { ContainerState } from '../../src/ports/engine.ts';

/** A container that runs and is well, but for what a test says of it. */
export function container(changes: Partial<ContainerState> = {}): ContainerState {
  return {
    id: 'c1',
    name: `demo-dev-${changes.service ?? 'api'}-1`,
    service: 'api',
    image: { id: 'sha256:old', reference: 'demo/api:1' },
    labels: {},
    state: 'running',
    exitCode: 0,
    oomKilled: false,
    error: '',
    createdAt: 1_000,
    startedAt: 1_000,
    finishedAt: null,
    restartCount: 0,
    health: null,
    networks: [],
    ports: [],
    mounts: [],
    limits: {
      user: '',
      readOnlyRoot: false,
      privileged: false,
      capDrop: [],
      capAdd: [],
      securityOpt: [],
      pids: 0,
      memoryBytes: 0,
      cpus: 0,
      restart: 'no',
      restartMaximum: 0,
      logDriver: 'json-file',
      logOptions: {},
      init: false,
      stopGraceSeconds: 10,
    },
    ...changes,
  };
}
