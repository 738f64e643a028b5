import type { Secret } from '../config/secret.ts';

/** What a stack depends on beside the configuration; the caller has read it. */
export interface StackFacts {
  /** Of this installation. */
  readonly version: string;
  /** SHA-256 (hex) of the files of this installation that go into the api image. */
  readonly packageDigest: string;
  /** Absolute path of the project's folder. */
  readonly root: string;
  /** Contents of TLS_CERT and TLS_KEY where both are set and read. */
  readonly tls: { readonly certificate: string; readonly key: Secret } | null;
  /** Content of ELASTICSEARCH_CA_FILE where it is set. */
  readonly searchCa: string | null;
  /** The configured vocabulary download: absolute path and what changes when it changes. */
  readonly vocabulary: { readonly path: string; readonly fingerprint: string } | null;
  /** Absolute path of the embedding model's folder. */
  readonly modelFolder: string;
  /** Absolute path of the CA bundle that image builds trust. */
  readonly caFile: string | null;
  /** Keyed fingerprint of a secret's content: tells that it changed, never what it is. */
  readonly fingerprint: (text: string) => string;
  /** Plain digest of what is no secret: 12 hex digits. */
  readonly fingerprintOf: (parts: readonly string[]) => string;
}
