import { revealed, Secret } from '../../config/secret.ts';
import { dotenvLine } from '../encode/dotenv.ts';
import { withHeader } from '../header.ts';
import type { Target } from '../target.ts';

/** Every setting in one `.env` file, for a process that runs outside of the stack; it holds the secrets. */
export const env: Target = {
  name: 'env',
  templates: [],
  files(stack, { settings }) {
    const lines = settings.map(({ name, value }) => `${dotenvLine(name, revealed(value))}\n`);
    const content = new Secret(withHeader(stack, '#', lines.join('')));
    return [{ path: `${stack.environment}.env`, content, mode: 0o600 }];
  },
};
