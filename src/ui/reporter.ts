import type { Progress, Reporter } from '../ports.ts';
import { duration, formsOf, printable, newPace, scrub, type StepRunner } from './format.ts';

/** Where a reporter writes, and what the caller asked for. */
export interface Screen {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  readonly mode: 'tasks' | 'plain' | 'json';
  readonly quiet: boolean;
  /** Once aborted, the next progress or step ends with its reason. */
  readonly interrupted: AbortSignal;
}

/** A reporter that also remembers its warnings, and prints results through the same scrubber. */
export interface ScreenReporter extends Reporter {
  readonly warnings: readonly string[];
  /** Text on standard output, or on standard error for an error, with everything hidden taken out. */
  print(stream: 'stdout' | 'stderr', text: string): void;
  /** One object on standard output; hidden values are taken out of its texts, so it stays an object. */
  printJson(answer: unknown): void;
}

const progressEvery = 2_000;

/** Builds the reporter for a screen; the drawing of steps on a terminal is loaded only where it is used. */
export function newReporter(screen: Screen): ScreenReporter {
  const warnings: string[] = [];
  let hidden: string[] = [];
  const print = (stream: 'stdout' | 'stderr', text: string): void => {
    screen[stream](`${printable(scrub(text, hidden))}\n`);
  };
  const note = (text: string): void => {
    if (screen.quiet) return;
    print('stderr', screen.mode === 'json' ? JSON.stringify({ event: 'note', text }) : text);
  };
  const plain = plainSteps(print, screen);
  return {
    warnings,
    print,
    printJson(answer) {
      const clean = (_key: string, value: unknown): unknown =>
        typeof value === 'string' ? scrub(value, hidden) : value;
      screen.stdout(`${JSON.stringify(answer, clean)}\n`);
    },
    note,
    async step(title, work) {
      screen.interrupted.throwIfAborted();
      if (screen.mode !== 'tasks' || screen.quiet) return await plain(title, work);
      const { taskSteps } = await import('./tasks.ts');
      return await taskSteps(screen.interrupted, (text) => printable(scrub(text, hidden)))(title, work);
    },
    warn(text) {
      warnings.push(scrub(text, hidden));
      print(
        'stderr',
        screen.mode === 'json' ? JSON.stringify({ event: 'warning', text }) : `warning: ${text}`,
      );
    },
    line(text) {
      print('stdout', text);
    },
    hide(values) {
      hidden = [...new Set([...hidden, ...values.flatMap(formsOf)])].sort((a, b) => b.length - a.length);
    },
  };
}

function plainSteps(print: ScreenReporter['print'], screen: Screen): StepRunner {
  const json = screen.mode === 'json';
  const show = (event: Record<string, unknown>, text: string): void => {
    if (!screen.quiet) print('stderr', json ? JSON.stringify(event) : text);
  };
  return async (title, work) => {
    const start = performance.now();
    const pace = newPace(start);
    let shown = start;
    show({ event: 'start', step: title }, `${title} ...`);
    const progress: Progress = {
      update(done, total, unit) {
        screen.interrupted.throwIfAborted();
        const now = performance.now();
        const line = pace(done, total, unit, now);
        if (now - shown < progressEvery) return;
        shown = now;
        show({ event: 'progress', step: title, done, total, unit }, `  ${line}`);
      },
      say(text) {
        screen.interrupted.throwIfAborted();
        show({ event: 'progress', step: title, text }, `  ${text}`);
      },
    };
    try {
      const result = await work(progress);
      const milliseconds = performance.now() - start;
      show(
        { event: 'done', step: title, ms: Math.round(milliseconds) },
        `${title}: done in ${duration(milliseconds)}`,
      );
      return result;
    } catch (error) {
      show({ event: 'failed', step: title }, `${title}: failed after ${duration(performance.now() - start)}`);
      throw error;
    }
  };
}
