import { PortiereError } from '../../errors.ts';

/** INDEX_INVALID: a server does not hold what a build has; loading it again mends that. */
export function notHeld(message: string): PortiereError {
  return new PortiereError('INDEX_INVALID', message, { hint: 'Load it again with: portiere index populate' });
}
