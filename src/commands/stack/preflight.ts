import { PortiereError } from '../../errors.ts';
import { type Finding, type HostFacts, preflight } from '../../plan/preflight.ts';
import type { Ports } from '../../ports.ts';
import type { Stack } from '../../stack/model.ts';
import type { Project } from '../context.ts';

/** Judges the host and the engine; warnings are said, any failure is thrown as PREFLIGHT_FAILED with its fix. */
export function requireFit(
  ports: Ports,
  { project, stack }: { readonly project: Project; readonly stack: Stack },
  facts: HostFacts,
): readonly Finding[] {
  const findings = preflight(stack, facts, project.config.waive);
  const failures = findings.filter(({ level }) => level === 'failure');
  if (failures.length === 0) {
    for (const { message, fix, level } of findings) {
      if (level === 'warning') ports.reporter.warn(`${message}. ${fix}`);
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
