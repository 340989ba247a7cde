/** Handlers of what needs no token: the page, and the interface's description. */
import { readFileSync } from 'node:fs';
import type { Handler } from './server.ts';

/** Only what this server serves itself may run, be shown or be asked. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
};

/**
 * @param document the OpenAPI document
 * @param folder where the page's files are
 */
export function pageHandlers(document: unknown, folder: URL): Record<string, Handler> {
  const file = (name: string): Handler => {
    const content = readFileSync(new URL(name, folder));
    const type = TYPES[name.split('.').at(-1)!]!;
    return ({ reply }) => reply.header('content-security-policy', POLICY).type(type).send(content);
  };
  return {
    describe: () => document,
    page: file('index.html'),
    pageScript: file('page.js'),
    pageStyle: file('page.css'),
  };
}
