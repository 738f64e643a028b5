import { PortiereError } from '../errors.ts';
import type { Prompt } from '../ports.ts';

/** Questions on a terminal; the prompt library is loaded with the first one. */
export const prompt: Prompt = {
  async text(question, initial) {
    const { text } = await import('@clack/prompts');
    return answered<string>(
      await text({ message: question, defaultValue: initial, placeholder: initial, output: process.stderr }),
    );
  },
  async choose(question, choices, initial) {
    const { select } = await import('@clack/prompts');
    return answered<string>(
      await select({
        message: question,
        options: choices.map((value) => ({ value, label: value })),
        initialValue: initial,
        output: process.stderr,
      }),
    );
  },
  async confirm(question, initial) {
    const { confirm } = await import('@clack/prompts');
    return answered<boolean>(
      await confirm({ message: question, initialValue: initial, output: process.stderr }),
    );
  },
};

function answered<T extends string | boolean>(answer: T | symbol): T {
  if (typeof answer === 'symbol')
    throw new PortiereError('INTERRUPTED', 'Given up at the question; nothing was changed.');
  return answer;
}
