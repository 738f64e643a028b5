import type { Service } from './model.ts';

/** Why a service cannot have so many containers; undefined where it can. */
export function refusesReplicas(service: Service, count: number): string | undefined {
  if (count <= 1) return undefined;
  if (service.kind === 'job') return 'a job runs once';
  if (service.name === 'celery-beat') return 'two schedulers would run every task twice';
  if (service.dataPaths.length > 0) return 'two of it would write to the same volume';
  if (service.ports.some(({ published }) => published !== null)) {
    return 'its ports of this machine can be had once';
  }
  return undefined;
}
