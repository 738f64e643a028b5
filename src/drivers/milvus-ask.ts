import { refused, thrownFault } from './milvus-errors.ts';

/** Performs a call of Milvus; `what` says what it is for. */
export type Ask = <Answer extends object>(
  what: string,
  call: () => Promise<Answer>,
  how?: Asking,
) => Promise<Answer>;

export interface Asking {
  /** Its answer may quote what was searched for. */
  readonly quiet?: boolean;
  /** That there is no collection of that name is an answer also. */
  readonly orAbsent?: boolean;
}

interface Status {
  readonly error_code?: string | number;
  readonly code?: number;
  readonly reason?: string;
}

/** What is thrown, and a status that is not success, becomes a PortiereError. */
export function askOf(url: string): Ask {
  return async (what, call, { quiet = false, orAbsent = false } = {}) => {
    const failed = { url, what, quiet };
    let answer;
    try {
      answer = await call();
    } catch (error) {
      throw thrownFault(error, failed);
    }
    const { error_code: error, reason = '' } = statusOf(answer);
    if (error === 'Success' || error === undefined || (orAbsent && isAbsent(answer))) return answer;
    throw refused(reason, failed);
  };
}

/** Whether an answer says that there is no collection of that name. */
export function isAbsent(answer: object): boolean {
  const { error_code: error, code, reason = '' } = statusOf(answer);
  // Versions differ in all three.
  return (
    code === 100 ||
    error === 'CollectionNotExists' ||
    (error !== 'Success' && /can't find collection|collection not found/.test(reason))
  );
}

function statusOf(answer: object): Status {
  return ('status' in answer ? answer.status : answer) ?? {};
}
