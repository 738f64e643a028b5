import { describe, expect, it } from 'vitest';

import { judgeStack } from '../../src/plan/stack-health.ts';
import type { ContainerState } from '../../src/ports/engine.ts';
import { container } from '../support/containers.ts';
import { builtStack } from '../support/stack.ts';

const { stack } = builtStack({ environment: 'dev' });
const ready = { status: 'ok', cause: '', components: [] } as const;
const { limits } = container();
const limited = { limits: { ...limits, memoryBytes: 512 * 2 ** 20 } };

function judged(sick: Partial<ContainerState>) {
  const others = stack.services
    .filter(({ name }) => name !== 'postgres')
    .map(({ name, kind }) => container({ service: name, ...(kind === 'job' && { state: 'exited' }) }));
  return judgeStack(stack, [container({ service: 'postgres', ...sick }), ...others], ready);
}

describe('the health of a stack', () => {
  it('is fine where all run', () => {
    expect(judged({})).toMatchObject({ status: 'ok', cause: '' });
  });

  it.each<[string, Partial<ContainerState>, string, string]>([
    [
      'one that the engine saw killed for memory',
      { state: 'exited', exitCode: 137, oomKilled: true },
      'postgres: killed for want of memory',
      'Raise services.postgres.resources.memory, then: portiere up',
    ],
    [
      'one killed again and again within its limit',
      { state: 'restarting', exitCode: 137, restartCount: 3, ...limited },
      'postgres: restarting again and again (3 times, exit code 137, perhaps for want of memory)',
      'portiere logs postgres. If they say nothing, raise services.postgres.resources.memory, then: portiere up',
    ],
    [
      'one killed again and again without a limit',
      { state: 'restarting', exitCode: 137, restartCount: 3 },
      'postgres: restarting again and again (3 times, exit code 137)',
      'portiere logs postgres',
    ],
    [
      'one that was stopped and took too long',
      { state: 'exited', exitCode: 137, ...limited },
      'postgres: stopped (exit code 137)',
      'portiere up',
    ],
  ])('names %s', (_, sick, cause, hint) => {
    expect(judged(sick)).toMatchObject({ status: 'down', cause, hint });
  });
});
