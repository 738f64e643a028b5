import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { PortiereError } from '../../errors.ts';
import type { ModelSpec, Pooling } from './models.ts';

/**
 * What a folder in the sentence-transformers layout says about its model: pooling from 1_Pooling/config.json,
 * maximum length from sentence_bert_config.json, dimension from config.json. MODEL_UNKNOWN when it does not.
 */
export async function readFolderSpec(
  folder: string,
  name: string,
): Promise<Omit<ModelSpec, 'repo' | 'revision'>> {
  const [config, pooling, limits] = await Promise.all([
    readObject(folder, 'config.json'),
    readObject(folder, '1_Pooling/config.json'),
    readObject(folder, 'sentence_bert_config.json'),
  ]);
  return {
    name,
    pooling: poolingOf(pooling, folder),
    maxLength: wholeNumber(limits['max_seq_length'], folder, 'sentence_bert_config.json: max_seq_length'),
    dimension: wholeNumber(config['hidden_size'], folder, 'config.json: hidden_size'),
  };
}

async function readObject(folder: string, file: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    const content: unknown = JSON.parse(await readFile(path.join(folder, file), 'utf8'));
    if (typeof content === 'object' && content !== null) return content as Record<string, unknown>;
  } catch (error) {
    throw unusable(folder, `${file} cannot be read as JSON`, error);
  }
  throw unusable(folder, `${file} holds no object`);
}

function poolingOf(config: Readonly<Record<string, unknown>>, folder: string): Pooling {
  const modes = Object.keys(config).filter((key) => key.startsWith('pooling_mode') && config[key] === true);
  if (modes.length === 1 && modes[0] === 'pooling_mode_cls_token') return 'cls';
  if (modes.length === 1 && modes[0] === 'pooling_mode_mean_tokens') return 'mean';
  throw unusable(folder, `1_Pooling/config.json asks for ${modes.join(' and ') || 'no pooling'}`);
}

function wholeNumber(value: unknown, folder: string, what: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value > 0) return value;
  throw unusable(folder, `${what} is not a positive whole number`);
}

function unusable(folder: string, fault: string, cause?: unknown): PortiereError {
  return new PortiereError('MODEL_UNKNOWN', `The model in ${folder} cannot be used: ${fault}.`, {
    hint: 'A model folder says how to pool (cls or mean) in 1_Pooling/config.json and its length in sentence_bert_config.json.',
    cause,
  });
}
