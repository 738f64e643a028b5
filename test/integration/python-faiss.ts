import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const python = pythonWithFaiss();

/** Why tests with Python FAISS are skipped; empty where they are not. */
export const noPython = python
  ? ''
  : ' (skipped: no Python with faiss-cpu in .bench/venv, and none could be installed)';

/** Runs the lines with `faiss`, `numpy` and `args` at hand; throws what Python says when they fail. */
export function runPython(code: string, args: readonly string[]): string {
  const program = `import sys, faiss, numpy\nargs = sys.argv[1:]\n${code}`;
  // One thread: FAISS's own wait for each other actively, which takes long on a machine that has other work.
  const env = { ...process.env, OMP_NUM_THREADS: '1' };
  return execFileSync(python!, ['-c', program, ...args], { encoding: 'utf8', env });
}

/** The Python of .bench/venv, made with faiss-cpu and numpy when it is not there yet. */
function pythonWithFaiss(): string | undefined {
  const venv = fileURLToPath(new URL('../../.bench/venv', import.meta.url));
  const executable = path.join(venv, 'bin', 'python');
  const quiet = { stdio: 'ignore', timeout: 240_000 } as const;
  try {
    if (!existsSync(executable)) execFileSync('python3', ['-m', 'venv', venv], quiet);
    try {
      execFileSync(executable, ['-c', 'import faiss, numpy'], quiet);
    } catch {
      execFileSync(executable, ['-m', 'pip', 'install', '-q', 'faiss-cpu', 'numpy'], quiet);
      execFileSync(executable, ['-c', 'import faiss, numpy'], quiet);
    }
    return executable;
  } catch {
    return undefined;
  }
}
