import { PortiereError } from '../../errors.ts';
import type { Ports } from '../../ports.ts';
import type { Engine } from '../../ports/engine.ts';
import type { Stack } from '../../stack/model.ts';
import type { Project } from '../context.ts';
import { isOfTheStack } from '../../plan/one-off.ts';
import { ownedBy } from './engine.ts';

const patience = 20_000;

/**
 * Makes the stack's own database accept DB_PASSWORD: its image sets a password only where it makes the data, which keep
 * it from then on. Nothing happens where it does accept it; DATABASE_UNREACHABLE where it cannot be set.
 */
export async function alignDatabasePassword(
  ports: Ports,
  engine: Engine,
  { project, stack }: { readonly project: Project; readonly stack: Stack },
): Promise<void> {
  if (!stack.services.some(({ name }) => name === 'postgres')) return;
  const containers = (await engine.containers(ownedBy(project))).filter(isOfTheStack);
  const postgres = containers.find(({ service }) => service === 'postgres');
  if (postgres === undefined) return;
  const ask = async (script: string): Promise<{ exitCode: number; stderr: string }> =>
    await engine.exec(postgres.id, ['sh', '-c', script], { timeout: patience });
  const login = await ask(logIn);
  if (login.exitCode === 0 || !login.stderr.includes('authentication failed')) return;
  await ports.reporter.step('Give the database the new DB_PASSWORD', async () => {
    const { exitCode, stderr } = await ask(setPassword);
    if (exitCode === 0) return;
    throw new PortiereError(
      'DATABASE_UNREACHABLE',
      `${postgres.name} keeps another password than DB_PASSWORD, and it could not be set: ${lastLine(stderr)}`,
      {
        hint: 'Put the former DB_PASSWORD back, or set the new one as a superuser: portiere exec postgres -- psql, then \\password.',
      },
    );
  });
}

/** By the container's own address, where its own rules ask for a password, unlike on loopback and the socket. */
const logIn =
  'PGPASSWORD="$(cat /run/secrets/POSTGRES_PASSWORD)" PGCONNECT_TIMEOUT=5 ' +
  'psql -XwqtA -h "$(hostname)" -U "$POSTGRES_USER" -d "$POSTGRES_DB" -c "SELECT 1" >/dev/null';

/** The password is on no command line, and a statement that fails is not logged with it. */
const setPassword = String.raw`psql -XwqA -v ON_ERROR_STOP=1 -v role="$POSTGRES_USER" -U "$POSTGRES_USER" -d "$POSTGRES_DB" <<'SQL'
SET log_statement = 'none';
SET log_min_error_statement = 'panic';
SET log_min_duration_statement = -1;
\set password ${'`cat /run/secrets/POSTGRES_PASSWORD`'}
ALTER ROLE :"role" PASSWORD :'password';
SQL`;

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
