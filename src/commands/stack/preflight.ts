import { PortiereError } from '../../errors.ts';
import { type Finding, type HostFacts, preflight } from '../../plan/preflight.ts';
import type { Ports } from '../../ports.ts';
import type { Stack } from '../../stack/model.ts';
import type { Project } from '../context.ts';

interface Fit {
  readonly project: Project;
  readonly stack: Stack;
  readonly told?: readonly Finding[];
}

/**
 * Judges the host and the engine; warnings are said unless an earlier look (`told`) said them already, any failure is
 * thrown as PREFLIGHT_FAILED with its fix.
 */
export function requireFit(
  ports: Ports,
  { project, stack, told = [] }: Fit,
  facts: HostFacts,
): readonly Finding[] {
  const findings = preflight(stack, facts, project.config.waive);
  const failures = findings.filter(({ level }) => level === 'failure');
  if (failures.length === 0) {
    for (const { message, fix, level } of findings) {
      const isNew = told.every((one) => one.message !== message);
      if (level === 'warning' && isNew) ports.reporter.warn(`${message}. ${fix}`);
    }
    return findings;
  }
  const [first] = failures;
  if (failures.length === 1 && first !== undefined) {
    const code = first.id === 'port' ? 'PORT_IN_USE' : 'PREFLIGHT_FAILED';
    throw new PortiereError(code, `${first.id}: ${first.message}.`, { hint: first.fix });
  }
  throw new PortiereError(
    'PREFLIGHT_FAILED',
    `${failures.length} checks failed before anything was touched.`,
    {
      hint: failures.map(({ id, fix }) => `${id}: ${fix}`).join('\n'),
      problems: failures.map(({ id, message }) => ({ path: id, reason: message })),
    },
  );
}
