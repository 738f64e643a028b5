import type { TestProject } from './cli.ts';

/** An answer of the search API; a JSON body is parsed. */
export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any -- each address has its own shape, which the test states
  readonly body: any;
}

/** GET on a project's API. */
export async function ask(project: TestProject, path: string): Promise<ApiAnswer> {
  const response = await project.get(path);
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') === true;
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}
