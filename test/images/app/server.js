// The application: a page, a health check, and a way to ask whether a variable of the server arrived.
import { createServer } from 'node:http';

const inlined = {};
const { APP_NAME: name = 'app', PORT: port = '3000', HOSTNAME: hostname = '0.0.0.0' } = process.env;

const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://localhost');
  if (url.pathname === '/') answer(response, 200, page());
  else if (url.pathname === '/api/health') answer(response, 200, { status: 'ok' });
  else if (url.pathname === '/api/env') answer(response, 200, variable(url.searchParams.get('name') ?? ''));
  else answer(response, 404, { error: 'not found' });
});
server.listen(Number(port), hostname, () => {
  process.stdout.write(`${name} listens on ${hostname}:${port}\n`);
});
for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, () => {
    server.close(() => process.exit(0));
    server.closeAllConnections();
  });
}

function page() {
  const rows = Object.entries(inlined).map(([key, value]) => `<dt>${text(key)}</dt><dd>${text(value)}</dd>`);
  return `<!doctype html><html lang="en"><title>${text(name)}</title><h1>${text(name)}</h1><dl>${rows.join('')}</dl></html>\n`;
}

/** Says that a variable is there and how long it is, never what it is. */
function variable(key) {
  const value = process.env[key];
  return { name: key, set: value !== undefined, length: value?.length ?? 0 };
}

function answer(response, status, body) {
  const html = typeof body === 'string';
  response.writeHead(status, { 'content-type': html ? 'text/html; charset=utf-8' : 'application/json' });
  response.end(html ? body : JSON.stringify(body));
}

function text(value) {
  return value.replaceAll(/[&<>"]/g, (character) => `&#${character.codePointAt(0)};`);
}
