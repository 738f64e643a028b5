import { createPrivateKey, X509Certificate } from 'node:crypto';

import { Secret } from '../../config/secret.ts';
import { PortiereError } from '../../errors.ts';
import type { Ports } from '../../ports.ts';
import type { StackFacts } from '../../stack/facts.ts';
import type { Project } from '../context.ts';

const day = 86_400_000;
const warnWithin = 20 * day;

/** TLS_CERT and TLS_KEY read and checked: they fit each other and have not expired. Null where TLS is off or unset. */
export async function readTls(ports: Ports, project: Project): Promise<StackFacts['tls']> {
  const { TLS, TLS_CERT, TLS_KEY } = project.config.settings;
  if (TLS === 'off' || TLS_CERT === '' || TLS_KEY === '') return null;
  const certificate = await read(ports, project, 'TLS_CERT');
  const key = await read(ports, project, 'TLS_KEY');
  const parsed = certificateIn(certificate, project.resolve(TLS_CERT));
  if (!parsed.checkPrivateKey(keyIn(key, project.resolve(TLS_KEY)))) {
    throw invalid('TLS_KEY', `is not the key of the certificate in ${project.resolve(TLS_CERT)}`);
  }
  const left = parsed.validToDate.getTime() - ports.clock.now().getTime();
  if (left <= 0) throw invalid('TLS_CERT', `expired on ${parsed.validToDate.toISOString().slice(0, 10)}`);
  if (left < warnWithin) {
    ports.reporter.warn(`the certificate in TLS_CERT expires in ${Math.floor(left / day)} days`);
  }
  return { certificate, key: new Secret(key) };
}

async function read(ports: Ports, project: Project, name: 'TLS_CERT' | 'TLS_KEY'): Promise<string> {
  const file = project.resolve(project.config.settings[name]);
  const text = await ports.files.read(file);
  if (text === undefined) throw invalid(name, `names ${file}, which is not there`);
  return text;
}

function certificateIn(text: string, file: string): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch {
    throw invalid('TLS_CERT', `names ${file}, which holds no PEM certificate`);
  }
}

function keyIn(text: string, file: string): ReturnType<typeof createPrivateKey> {
  try {
    return createPrivateKey(text);
  } catch {
    throw invalid('TLS_KEY', `names ${file}, which holds no PEM private key without a passphrase`);
  }
}

function invalid(setting: string, reason: string): PortiereError {
  return new PortiereError('CONFIG_INVALID', `${setting} ${reason}.`, {
    hint: 'TLS_CERT is the certificate chain, TLS_KEY its private key, both PEM files.',
    problems: [{ path: setting, reason }],
  });
}
