import { quoteDotenv } from '../../config/dotenv.ts';
import { PortiereError } from '../../errors.ts';

/** A line of a `.env` file that Compose, dotenv, Node and sh read alike; CONFIG_INVALID names a variable that has none. */
export function dotenvLine(name: string, text: string): string {
  try {
    return `${name}=${quoteDotenv(text)}`;
  } catch (error) {
    if (!(error instanceof PortiereError)) throw error;
    throw new PortiereError(
      'CONFIG_INVALID',
      `${name} cannot be written to a .env file so that every program reads it alike.`,
      { hint: `Give ${name} another value, or hand it over as ${name}_FILE.`, cause: error },
    );
  }
}
