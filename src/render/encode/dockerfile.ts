import { PortiereError } from '../../errors.ts';
import type { Encoded } from '../fill.ts';

/** Text that is safe as a word of a Dockerfile. */
export type DockerfileText = Encoded<'dockerfile'>;

/** A word without blanks, quotes, `$` or backslashes, such as an image reference or a version. */
export function dockerfileWord(text: string, thing: string): DockerfileText {
  if (/^\w[\w./:@+-]*$/.test(text)) return text as DockerfileText;
  throw new PortiereError('CONFIG_INVALID', `${thing} cannot be written in a Dockerfile.`, {
    hint: 'It is a word of letters, digits and ./:@+-.',
    problems: [{ path: thing, reason: 'must be a word of letters, digits and ./:@+-' }],
  });
}
