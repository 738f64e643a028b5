import { exitCodes, PortiereError } from '../errors.ts';
import type { Block, Outcome } from '../ports.ts';
import type { ScreenReporter } from './reporter.ts';
import { table } from './table.ts';

/** Prints what a command answered and gives the exit code. */
export function printOutcome(
  reporter: ScreenReporter,
  command: string,
  json: boolean,
  outcome: Outcome,
): number {
  const code = outcome.exitCode ?? 0;
  if (json) {
    const answer = {
      schema: 1,
      command,
      ok: code === 0,
      code,
      data: outcome.data,
      warnings: reporter.warnings,
    };
    reporter.printJson(answer);
  } else if (outcome.view.length > 0) {
    reporter.print('stdout', outcome.view.map(show).join('\n\n'));
  }
  return code;
}

function show(block: Block): string {
  return typeof block === 'string' ? block : table(block.header, block.rows);
}

/** Prints an error, the only place that does, and gives the exit code. */
export function printError(
  reporter: ScreenReporter,
  command: string,
  { json, error, verbose }: { readonly json: boolean; readonly error: unknown; readonly verbose: boolean },
): number {
  const known = error instanceof PortiereError ? error : bug(error);
  if (json) {
    const { code, message, hint, problems } = known;
    const answer = {
      schema: 1,
      command,
      ok: false,
      code: known.exitCode,
      error: { code, message, ...(hint === undefined ? {} : { hint }), problems },
      warnings: reporter.warnings,
    };
    reporter.printJson(answer);
    return known.exitCode;
  }
  const lines = [`error ${known.code}: ${known.message}`];
  for (const problem of known.problems) {
    const suggestion = problem.suggestion === undefined ? '' : ` (did you mean ${problem.suggestion}?)`;
    lines.push(`  ${problem.path}: ${problem.reason}${suggestion}`);
  }
  if (known.hint !== undefined) lines.push(`hint: ${known.hint}`);
  if (verbose && known.cause instanceof Error)
    lines.push(`cause: ${known.cause.stack ?? known.cause.message}`);
  if (known.code === 'BUG' && known.cause === undefined) lines.push(known.stack ?? '');
  reporter.print('stderr', lines.join('\n'));
  return known.exitCode;
}

function bug(error: unknown): PortiereError {
  const message = error instanceof Error ? error.message : String(error);
  const known = new PortiereError('BUG', `Unexpected: ${message}`, {
    hint: `This is a fault of portiere (exit ${exitCodes.BUG}). Run again with -v and report what it prints.`,
    ...(error instanceof Error ? { cause: error } : {}),
  });
  return known;
}
