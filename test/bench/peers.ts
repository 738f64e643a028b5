// Installs what the benches measure beside, into .bench/ (ignored by git): npm run bench:peers [-- --without-torch].
// A peer that cannot be installed is told of and its rows say "not run".
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { 'without-torch': { type: 'boolean', default: false } } });
const root = fileURLToPath(new URL('../..', import.meta.url));
const pip = '.bench/venv/bin/pip';
// The build without CUDA is a tenth of the size, but not every network reaches it.
const torchWithoutCuda = ['--index-url', 'https://download.pytorch.org/whl/cpu'];

run('python3', ['-m', 'venv', '.bench/venv']);
const installed = {
  'faiss-cpu, onnxruntime, elasticsearch': install(
    'numpy',
    'faiss-cpu',
    'onnxruntime',
    'tokenizers',
    'elasticsearch',
  ),
  'sentence-transformers':
    !values['without-torch'] &&
    (install('--retries', '1', 'torch', ...torchWithoutCuda) || install('torch')) &&
    install('sentence-transformers'),
  'faiss-node': run('bash', ['.ci/faiss-node.sh', '.bench/faiss-node']),
};
for (const [name, there] of Object.entries(installed))
  console.log(`${there ? 'installed' : 'absent   '} ${name}`);
if (!installed['faiss-cpu, onnxruntime, elasticsearch']) process.exitCode = 1;

function install(...what: readonly string[]): boolean {
  return run(pip, ['install', '--quiet', ...what]);
}

function run(program: string, args: readonly string[]): boolean {
  console.log(`${program} ${args.join(' ')}`);
  return spawnSync(program, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] }).status === 0;
}
