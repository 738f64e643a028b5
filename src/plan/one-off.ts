import type { ContainerState } from '../ports/engine.ts';

/** Part of the stack itself: a `compose run` beside it carries the same labels, and this one more. */
export function isOfTheStack({ labels }: Pick<ContainerState, 'labels'>): boolean {
  return labels['com.docker.compose.oneoff'] !== 'True';
}
