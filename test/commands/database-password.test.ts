import { describe, expect, it } from 'vitest';

import { alignDatabasePassword } from '../../src/commands/stack/database-password.ts';
import type { Project } from '../../src/commands/context.ts';
import { PortiereError } from '../../src/errors.ts';
import type { ContainerState, Engine, ProgramResult } from '../../src/ports/engine.ts';
import type { Stack } from '../../src/stack/model.ts';
import { container } from '../support/containers.ts';
import { fakePorts } from '../support/ports.ts';

const refused = 'psql: error: FATAL:  password authentication failed for user "portiere"';

describe('the password of the database', () => {
  it('is left alone where the database accepts it', async () => {
    const { scripts, steps } = await align([answer(0)]);
    expect(scripts).toHaveLength(1);
    expect(steps).toEqual([]);
  });

  it('is set where it is refused, and stands on no command line', async () => {
    const { scripts, steps } = await align([answer(2, refused), answer(0)]);
    expect(scripts).toHaveLength(2);
    expect(scripts[1]).toContain(`\\set password \`cat /run/secrets/POSTGRES_PASSWORD\``);
    expect(steps).toEqual(['Give the database the new DB_PASSWORD']);
  });

  it('is no concern of a database that does not answer, or is not there', async () => {
    expect((await align([answer(2, 'psql: error: connection refused')])).scripts).toHaveLength(1);
    expect((await align([], [])).scripts).toEqual([]);
  });

  it('that cannot be set is an error that says what to do', async () => {
    const failed = align([answer(2, refused), answer(3, 'ERROR:  permission denied')]);
    await expect(failed).rejects.toThrow('permission denied');
    await expect(failed).rejects.toBeInstanceOf(PortiereError);
  });
});

async function align(
  answers: readonly ProgramResult[],
  containers: readonly ContainerState[] = [container({ service: 'postgres' })],
): Promise<{ readonly scripts: readonly string[]; readonly steps: readonly string[] }> {
  const scripts: string[] = [];
  const engine = {
    containers: async () => containers,
    exec: async (_id: string, [, , script]: readonly string[]) => {
      scripts.push(script ?? '');
      return answers[scripts.length - 1];
    },
  } as unknown as Engine;
  const ports = fakePorts();
  const project = { config: { name: 'demo', environment: 'prod' } } as Project;
  const stack = { services: [{ name: 'postgres' }] } as unknown as Stack;
  await alignDatabasePassword(ports, engine, { project, stack });
  return { scripts, steps: ports.shown.steps };
}

function answer(exitCode: number, stderr = ''): ProgramResult {
  return { exitCode, stdout: '', stderr };
}
