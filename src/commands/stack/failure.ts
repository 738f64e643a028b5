import path from 'node:path';

import { PortiereError } from '../../errors.ts';
import type { Ports } from '../../ports.ts';
import type { Engine } from '../../ports/engine.ts';
import { secretsIn } from '../../config/secret.ts';
import type { Project } from '../context.ts';
import type { WaitResult } from '../wait.ts';
import { ownedBy } from './engine.ts';

const wholeLog = 2_000;
const lookBack = 15 * 60_000;

interface Failure {
  readonly project: Project;
  readonly result: WaitResult;
  readonly failure: PortiereError;
}

/**
 * The error of a service that failed, with its last lines and its health log, and a folder `.portiere/runs/<id>/`
 * with the events, logs and inspected states of the whole environment. Known secrets are blotted out.
 */
export async function reportFailure(ports: Ports, engine: Engine, failed: Failure): Promise<PortiereError> {
  const { project, result, failure } = failed;
  const folder = await keepEvidence(ports, engine, failed).catch(
    (error: unknown) => `not kept: ${(error as Error).message}`,
  );
  const clean = blotter(project);
  const parts = result.services.flatMap(({ service, evidence }) => {
    if (evidence === null) return [];
    const health = evidence.health
      .slice(-3)
      .map(({ exitCode, output }) => `  probe exit ${exitCode}: ${output.trim()}`);
    return [
      ...(evidence.log.length === 0 ? [`${service} said nothing.`] : [`Last lines of ${service}:`]),
      ...evidence.log.map((line) => `  ${line}`),
      ...(health.length === 0 ? [] : [`Its last health results:`, ...health]),
    ];
  });
  return new PortiereError(failure.code, clean([failure.message, ...parts].join('\n')), {
    hint: `Events, logs and states: ${folder}. Mend the cause, then run the same command again.`,
  });
}

async function keepEvidence(ports: Ports, engine: Engine, { project, result }: Failure): Promise<string> {
  const id = ports.clock.now().toISOString().replaceAll(/[-:.]/g, '');
  const folder = path.join(project.root, '.portiere', 'runs', id);
  const clean = blotter(project);
  const write = async (name: string, text: string): Promise<void> => {
    await ports.files.write(path.join(folder, name), clean(text), 0o600);
  };
  await ports.files.makeFolder(folder, 0o700);
  const owned = ownedBy(project);
  const containers = await engine.containers(owned, { all: true });
  await write(
    'result.json',
    json(
      result.services.map(({ service, verdict, seconds }) => ({ service, verdict, seconds })),
      clean,
    ),
  );
  await write('containers.json', json(containers, clean));
  const { time } = await engine.info();
  await write(
    'events.json',
    json(await engine.events(owned, { since: time - lookBack, until: time }), clean),
  );
  for (const { id: container, name } of containers) {
    const lines: string[] = [];
    for await (const { text } of engine.logs(container, { tail: wholeLog })) lines.push(text);
    await write(`${name}.log`, lines.map((line) => `${line}\n`).join(''));
  }
  return folder;
}

/** Takes every known secret out of a text, as it is and as addresses and headers hold it. */
function blotter({ config }: Project): (text: string) => string {
  const known = secretsIn(config).flatMap((secret) => (secret.length < 4 ? [] : notations(secret)));
  return (text) => known.reduce((rest, secret) => rest.replaceAll(secret, '[redacted]'), text);
}

function notations(secret: string): readonly string[] {
  const base64 = Buffer.from(secret).toString('base64').replace(/=+$/, '');
  return [secret, encodeURIComponent(secret.toWellFormed()), base64];
}

/** Cleaned before it is written as JSON, whose escapes would hide a secret from the cleaning. */
function json(value: unknown, clean: (text: string) => string): string {
  const cleaned = (_key: string, inner: unknown): unknown =>
    typeof inner === 'string' ? clean(inner) : inner;
  return `${JSON.stringify(value, cleaned, 2)}\n`;
}
