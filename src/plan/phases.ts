import type { ServiceName } from '../config/services.ts';
import type { Service } from '../stack/model.ts';

/** Services that are brought up together, and what they wait for is up before them. */
export interface Phase {
  readonly title: string;
  readonly services: readonly Service[];
}

const order: readonly (readonly [title: string, names: readonly ServiceName[]])[] = [
  ['databases', ['postgres', 'redis', 'elasticsearch']],
  ['migrate', ['migrate']],
  ['index', ['index']],
  ['api', ['api']],
  ['apps', ['celery-worker', 'celery-beat', 'cloud', 'mapper']],
  ['proxy', ['proxy']],
];

/** The phases in which the given services come up; empty ones are left out. */
export function phasesOf(services: readonly Service[]): readonly Phase[] {
  return order
    .map(([title, names]) => ({
      title,
      services: names.flatMap((name) => services.filter((one) => one.name === name)),
    }))
    .filter((phase) => phase.services.length > 0);
}
