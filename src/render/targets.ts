import type { Stack } from '../stack/model.ts';
import type { RenderedFile, Sources, Target, TargetName } from './target.ts';
import { compose } from './targets/compose.ts';
import { dockerfile } from './targets/dockerfile.ts';
import { env } from './targets/env.ts';
import { nginx } from './targets/nginx.ts';

/** Every target by name: the registry. */
export const targets: Readonly<Record<TargetName, Target>> = { compose, dockerfile, nginx, env };

/** What a stack is brought up from. */
export const stackTargets = ['compose', 'nginx', 'dockerfile'] as const satisfies readonly TargetName[];

/** Every file that bringing a stack up needs, under one folder; throws CONFIG_INVALID for what cannot be written. */
export function renderStack(stack: Stack, sources: Sources): readonly RenderedFile[] {
  return stackTargets.flatMap((name) => targets[name].files(stack, sources));
}
