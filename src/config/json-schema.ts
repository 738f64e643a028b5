import { z } from 'zod';
import { documentSchema } from './document.ts';
import { type SettingName, settingRow } from './settings.ts';

/** The JSON Schema (draft 2020-12) of the configuration file, every setting with its description and default. */
export function configJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(documentSchema(described), { target: 'draft-2020-12', io: 'input' });
  return { ...schema, title: 'portiere configuration' };
}

function described(name: SettingName): z.ZodType {
  const { kind, help, default: text, secret } = settingRow(name);
  const description = secret ? `${help} A secret: keep it in .env.<environment>.` : help;
  return kind.inFile.meta({
    description,
    ...(text === undefined ? {} : { default: nativeDefault(kind.inFile, text) }),
  });
}

/** 8000 and true rather than "8000" and "true", where the setting is a number or a truth. */
function nativeDefault(schema: z.ZodType, text: string): unknown {
  const candidates: unknown[] = [Number(text), text === 'true'];
  const isNative = (candidate: unknown) => String(candidate) === text && schema.safeParse(candidate).success;
  return candidates.find(isNative) ?? text;
}
