/**
 * Every way a command can end, by stable id. The number is the process exit code (see the table in the
 * README): 3 configuration, 4 preflight, 5 locked, 6 unreachable, 8 unhealthy, 9 verification, 10 refused,
 * 64 usage, 124 timed out, 130/143 interrupted, 1 a bug of ours.
 */
export const exitCodes = {
  BUG: 1,
  CHANGES_PENDING: 2,
  CONFIG_INVALID: 3,
  CONFIG_NEWER: 3,
  CONFIG_NOT_FOUND: 3,
  ENV_FILE_INVALID: 3,
  ENVIRONMENT_UNKNOWN: 3,
  ENVIRONMENT_UNSUPPORTED: 3,
  SETTING_UNKNOWN: 3,
  SECRET_CONFLICT: 3,
  SECRET_UNREADABLE: 3,
  VOCABULARY_NOT_FOUND: 3,
  VOCABULARY_ARCHIVE_INVALID: 3,
  VOCABULARY_FILE_MISSING: 3,
  VOCABULARY_HEADER: 3,
  VOCABULARY_ROWS: 3,
  VOCABULARY_UNKNOWN: 3,
  VOCABULARY_EMPTY: 3,
  MODEL_UNKNOWN: 3,
  QUERIES_INVALID: 3,
  FEATURES_INVALID: 3,
  KEY_UNKNOWN: 3,
  PERMISSION_DENIED: 4,
  DISK_FULL: 4,
  PORT_IN_USE: 4,
  PACKAGE_MISSING: 4,
  MODEL_MISSING: 4,
  COMPOSE_MISSING: 4,
  PREFLIGHT_FAILED: 4,
  IMAGE_UNAVAILABLE: 4,
  BUILD_FAILED: 4,
  LOCKED: 5,
  DATABASE_UNREACHABLE: 6,
  SEARCH_ENGINE_UNREACHABLE: 6,
  SEARCH_ENGINE_DENIED: 6,
  ENGINE_UNREACHABLE: 6,
  ENGINE_FAILED: 6,
  SERVER_UNREACHABLE: 6,
  DOWNLOAD_FAILED: 6,
  UNHEALTHY: 8,
  INDEX_INVALID: 9,
  SEARCH_ENGINE_REFUSED: 9,
  INDEX_MISSING: 9,
  MIGRATION_CHANGED: 9,
  MIGRATION_UNKNOWN: 9,
  MIGRATION_GAP: 9,
  MIGRATION_FAILED: 9,
  MODEL_DIGEST: 9,
  SOURCE_CHANGED: 9,
  REFUSED: 10,
  FILE_EDITED: 10,
  USAGE: 64,
  SERVICE_UNKNOWN: 64,
  TIMED_OUT: 124,
  HANGUP: 129,
  INTERRUPTED: 130,
  TERMINATED: 143,
} as const;

export type ErrorCode = keyof typeof exitCodes;

export interface ErrorDetail {
  /** What to do about it; a command to run where there is one. */
  readonly hint?: string;
  readonly cause?: unknown;
  /** Several problems found at once (configuration), each a line of its own. */
  readonly problems?: readonly Problem[];
}

/** One of several faults in an input: where it is, what is wrong, and the nearest valid name if any. */
export interface Problem {
  readonly path: string;
  readonly reason: string;
  readonly suggestion?: string;
}

/** The one error shape: thrown deep, printed once, in main. */
export class PortiereError extends Error {
  override readonly name = 'PortiereError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly problems: readonly Problem[];

  constructor(code: ErrorCode, message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? {} : { cause: detail.cause });
    this.code = code;
    this.hint = detail.hint;
    this.problems = detail.problems ?? [];
  }

  get exitCode(): number {
    return exitCodes[this.code];
  }
}

/** Whether an error is one of ours with this code. */
export function hasCode(error: unknown, code: ErrorCode): boolean {
  return error instanceof PortiereError && error.code === code;
}

/** Errors of the operating system, in our words; anything else comes back as it was. */
export function fromSystemError(error: unknown, thing: string): unknown {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new PortiereError('DISK_FULL', `No space left while writing ${thing}.`, {
      hint: 'Free some space on that disk and run the same command again: nothing published was touched.',
      cause: error,
    });
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new PortiereError('PERMISSION_DENIED', `Not permitted: ${thing}.`, {
      hint: 'Check the owner and mode of that path, and who you run as.',
      cause: error,
    });
  }
  return error;
}
