import { PortiereError } from '../errors.ts';
import type { Config, Source } from './config.ts';
import { nearest } from './nearest.ts';
import type { Secret } from './secret.ts';
import { isSettingName, type SettingName, settingNames, settingRow } from './settings.ts';

/** Where the value of a setting comes from; secrets print redacted. */
export interface Explanation {
  readonly name: SettingName;
  readonly help: string;
  readonly secret: boolean;
  /** As text; undefined: not set. */
  readonly value: string | Secret | undefined;
  /** Weakest first; the last one holds. */
  readonly sources: readonly Source[];
}

/** Which layers gave a value to a setting and which one holds; an unknown key throws SETTING_UNKNOWN. */
export function explain(config: Config, key: string): Explanation {
  if (!isSettingName(key)) {
    const suggestion = nearest(key, settingNames, 3);
    throw new PortiereError('SETTING_UNKNOWN', `There is no setting ${JSON.stringify(key)}.`, {
      hint: suggestion === undefined ? 'The README lists every setting.' : `Did you mean ${suggestion}?`,
      problems: [
        { path: key, reason: 'unknown setting', ...(suggestion === undefined ? {} : { suggestion }) },
      ],
    });
  }
  const { help, secret } = settingRow(key);
  const sources = config.provenance[key];
  return { name: key, help, secret: secret ?? false, value: sources.at(-1)?.value, sources };
}
