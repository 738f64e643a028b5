import { requiredInWords } from './example.ts';
import { type SettingName, settingNames, settingRow } from './settings.ts';
import { sections } from './settings/setting.ts';

/** The settings as Markdown for the README: a table for each section. */
export function settingsReference(): string {
  const parts = sections.map((section) => {
    const names = settingNames.filter((name) => settingRow(name).section === section);
    const head = '| Setting | Required in | Default | Secret | Meaning |\n| --- | --- | --- | --- | --- |';
    return `### ${section}\n\n${head}\n${names.map(rowOf).join('\n')}\n`;
  });
  return parts.join('\n');
}

function rowOf(name: SettingName): string {
  const { requiredIn, secret, help, neededBy } = settingRow(name);
  const required = requiredIn === undefined ? '' : requiredInWords(requiredIn, neededBy);
  return `| \`${name}\` | ${required} | ${defaultsInWords(name)} | ${secret ? 'yes' : ''} | ${help} |`;
}

function defaultsInWords(name: SettingName): string {
  const { default: text, defaults } = settingRow(name);
  const special = Object.entries(defaults ?? {}).map(
    ([base, value]) => `${base}: ${value === null ? 'none' : shown(value)}`,
  );
  return [text === undefined ? '' : shown(text), ...special].filter((part) => part !== '').join('; ');
}

function shown(text: string): string {
  return text === '' ? 'blank' : `\`${text}\``;
}
