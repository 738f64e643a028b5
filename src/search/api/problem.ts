/** An error of the API: problem+json (RFC 9457) with a stable code and nothing internal. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string, detail: string, headers: Readonly<Record<string, string>> = {}) {
    super(detail);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

const titles: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Unauthorized',
  404: 'Not found',
  405: 'Method not allowed',
  413: 'Too large',
  414: 'Too long',
  429: 'Too many requests',
  503: 'Not ready',
};

/** The body for any error that reaches the server; what we do not know is a plain 500. */
export function problemBody(
  error: unknown,
  requestId: string,
): { status: number; body: Record<string, unknown> } {
  const known = asProblem(error);
  return {
    status: known.status,
    body: {
      type: `urn:portiere:problem:${known.code}`,
      title: titles[known.status] ?? 'Error',
      status: known.status,
      code: known.code,
      detail: known.message,
      request_id: requestId,
    },
  };
}

function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const raised = error as { statusCode?: number; validation?: unknown; message?: string };
  if (raised.validation !== undefined)
    return new Problem(400, 'invalid_request', raised.message ?? 'Invalid request');
  const status = raised.statusCode ?? 500;
  if (status >= 400 && status < 500)
    return new Problem(status, 'bad_request', 'The request cannot be understood.');
  return new Problem(500, 'internal', 'Something failed here; the log has it under this request id.');
}
