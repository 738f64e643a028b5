import { emptyDocument } from './document.ts';
import { type ConfigInputs, gather, type Given, type Layer } from './layers.ts';
import { parseConfigFile, type CodedProblem } from './schema.ts';
import { selectEnvironment } from './environment.ts';
import type { SettingName } from './settings.ts';

/** A file to read before a configuration can be resolved: the secret `name` was given as NAME_FILE. */
export interface SecretFile {
  readonly name: SettingName;
  /** As written; it resolves against the folder of the configuration where the layer is a file, else the caller's. */
  readonly path: string;
  readonly layer: Layer;
  readonly location: string;
}

/** The files that hold secrets in these layers: of each secret the strongest NAME_FILE; blank paths are left out. */
export function secretFilesNeeded(inputs: ConfigInputs): readonly SecretFile[] {
  return strongestFiles(givenIn(inputs))
    .filter(({ text }) => text !== '')
    .map(({ name, text, layer, location }) => ({ name, path: text, layer, location }));
}

/** The path of the file that PORTIERE_IMAGES names, as written; undefined where it names none. */
export function imagesFileNeeded(inputs: ConfigInputs): string | undefined {
  const text = givenIn(inputs).findLast(({ name }) => name === 'PORTIERE_IMAGES')?.text;
  return text === '' ? undefined : text;
}

function givenIn(inputs: ConfigInputs): readonly Given[] {
  const document = inputs.file === undefined ? emptyDocument : parseConfigFile(inputs.file).document;
  return gather(inputs, document, selectEnvironment(inputs, document).environment).given;
}

/** The given values with each file's path replaced by what the file holds, one line end at its end dropped. */
export function secretsFromFiles(given: readonly Given[], inputs: ConfigInputs): readonly Given[] {
  const files = strongestFiles(given);
  return given.flatMap((one) => {
    if (!one.asFile) return [one];
    const text = inputs.secretFiles?.get(one.name);
    if (text === undefined || !files.includes(one)) return [];
    return [
      {
        ...one,
        text: text.replace(/\r?\n$/, ''),
        location: one.path,
        asFile: false,
      },
    ];
  });
}

/** NAME and NAME_FILE both set (in whichever layers), blank paths, and files the caller could not read. */
export function secretFileProblems(given: readonly Given[], inputs: ConfigInputs): readonly CodedProblem[] {
  return strongestFiles(given).flatMap((file): CodedProblem[] => {
    const { name, text, path } = file;
    const plain = given.find((one) => one.name === name && !one.asFile);
    if (plain !== undefined) {
      return [
        {
          path,
          reason: `${name} is set too, at ${plain.location}; keep one of them`,
          code: 'SECRET_CONFLICT',
        },
      ];
    }
    if (text === '') return [{ path, reason: 'is blank; it must be the path of a file' }];
    if (inputs.secretFiles?.has(name)) return [];
    return [{ path, reason: `the file ${JSON.stringify(text)} cannot be read`, code: 'SECRET_UNREADABLE' }];
  });
}

/** The secrets given as a file that could not be read: nothing is known of their values. */
export function unreadSecrets(given: readonly Given[], inputs: ConfigInputs): readonly SettingName[] {
  return strongestFiles(given)
    .map(({ name }) => name)
    .filter((name) => !inputs.secretFiles?.has(name));
}

function strongestFiles(given: readonly Given[]): readonly Given[] {
  const strongest = new Map<SettingName, Given>();
  for (const one of given) if (one.asFile) strongest.set(one.name, one);
  return [...strongest.values()];
}
