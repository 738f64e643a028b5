import { type BaseEnvironment, baseEnvironments } from './base-environment.ts';
import { quoteDotenv } from './dotenv.ts';
import { settingNames, settingRow } from './settings.ts';
import { sections } from './settings/setting.ts';

const head = `# Settings of a portiere project, all of them commented out: copy the lines you need to .env.<environment>
# (secrets, one file for each environment) or .env (all environments) and drop the "# " before them.
# Accepted is what Docker Compose, Node and sh read alike: KEY=value, KEY='any text', KEY="it's text".
# A secret can also be given as a file: NAME_FILE=/run/secrets/name.
`;

/** The text of `.env.example`: every setting a `.env` file may hold, by section, with its help and default; secrets blank. */
export function envExample(): string {
  const parts = sections.map((section) => {
    const lines = settingNames.filter((name) => settingRow(name).section === section).flatMap(linesOf);
    return lines.length === 0 ? '' : `\n# --- ${section} ---\n\n${lines.join('\n')}\n`;
  });
  return head + parts.join('');
}

/** Where a setting is required, in words. */
export function requiredInWords(
  environments: readonly BaseEnvironment[],
  services: readonly string[] = [],
): string {
  const where = environments.length === baseEnvironments.length ? 'everywhere' : environments.join(', ');
  return services.length === 0 ? where : `${where} with ${services.join(' or ')}`;
}

function linesOf(name: (typeof settingNames)[number]): string[] {
  const row = settingRow(name);
  // Compose and sh know no names with dots; those stay in the configuration file.
  if (name.includes('.') || row.processOnly) return [];
  const notes = [
    row.secret ? 'secret' : '',
    row.requiredIn === undefined ? '' : `required in ${requiredInWords(row.requiredIn, row.neededBy)}`,
    ...Object.entries(row.defaults ?? {}).map(([base, text]) =>
      text === null ? `no default in ${base}` : `${base}: ${text === '' ? 'blank' : text}`,
    ),
  ].filter((note) => note !== '');
  const help = notes.length === 0 ? row.help : `${row.help} (${notes.join('; ')})`;
  return [`# ${help}`, `# ${name}=${quoteDotenv(row.default ?? '')}`];
}
