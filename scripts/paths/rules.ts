/** Paths that servers read in different ways, and what the rules of auth and of the mesh say about them. */
import { connect } from 'node:net';
import fc from 'fast-check';
import { Request } from '#proxy/http/request.ts';
import { parseRules } from '../../sidecars/auth/src/rules/rules.ts';
import { Authorizer } from '../../sidecars/mesh-proxy/src/policy/authorizer.ts';

/** Everything below these is forbidden, and they themselves. */
const FORBIDDEN = ['/admin', '/büro', '/a b', '/x:y@z', '/new'];
const PIECES =
  '/ // . .. %2e %2E%2e %2f %252f %25 2e ; ;a=b \\ %5c %23 # %3f %20 %2520 %3A : %40 @ x y z a b %61 %41 dmin DMIN admin ' +
  'new NEW n%65w %6eew ;%2f.. b%C3%BCro b%c3%bcro b\u{c3}\u{bc}ro B%C3%9Cro bu%CC%88ro b%25C3%25BCro ro %C3 %BC %FC public';
/** Ways in, so that many paths reach something. */
const HEADS = ['', 'admin', '%61dmin', 'b%C3%BCro', 'a%20b', 'x%3Ay%40z', 'new', 'public/..', 'public/%2e%2e', '.'];
const TAILS = ['', '/', '/a/b', '%2Fa/b', '/index.html'];
/** Requests under way at once. */
const CONNECTIONS = 8;
const MIN_FORBIDDEN = 50;

/** @returns targets of requests, their bytes as Latin-1 text; the same for the same seed */
export const somePaths = (seed: number, count: number): string[] =>
  fc.sample(
    fc
      .tuple(
        fc.constantFrom(...HEADS),
        fc.array(fc.constantFrom(...PIECES.split(' ')), { maxLength: 6 }),
        fc.constantFrom(...TAILS),
      )
      .map(([head, pieces, tail]) => `/${head}${pieces.join('')}${tail}`),
    { seed, numRuns: count },
  );

/** What lets the forbidden paths pass although a rule forbids them, or allows others alone; empty when nothing does. */
export function passes(path: string): string[] {
  const request = new Request({ method: 'GET', target: path, authority: 'shop', lines: '' });
  const access = { identity: undefined, address: '192.0.2.1', port: 80, http: request };
  return [
    ...(['deny', 'login', undefined].includes(AUTH_DENIES.access('GET', request.path)?.kind) ? [] : ['auth, deny']),
    ...(AUTH_ALLOWS.access('GET', request.path)?.kind === 'public' ? ['auth, allow'] : []),
    ...(MESH_DENIES.check(access) === undefined ? ['mesh, deny'] : []),
    ...(MESH_ALLOWS.check(access) === undefined ? ['mesh, allow'] : []),
  ];
}

const AUTH_DENIES = parseRules(
  JSON.stringify([
    ...FORBIDDEN.map((path) => ({ path: `${path}/**`, access: 'deny' })),
    { path: '/**', access: 'public' },
  ]),
);
const AUTH_ALLOWS = parseRules('[{path: /public/**, access: public}, {path: /**, access: deny}]');
const pathsBelow = (path: string) => [{ exact: path }, { prefix: `${path}/` }];
const MESH_DENIES = new Authorizer({
  otherwise: 'allow',
  rules: [{ name: 'forbidden', action: 'deny', paths: FORBIDDEN.flatMap(pathsBelow) }],
});
const MESH_ALLOWS = new Authorizer({
  otherwise: 'deny',
  rules: [{ name: 'public', action: 'allow', paths: pathsBelow('/public') }],
});

/**
 * Ask a server, whose answer to a forbidden path begins with `forbidden`.
 * @returns a line for each path that reaches a forbidden resource although a rule lets it pass
 * @throws when too few paths reached one: then nothing was compared
 */
export async function compareWith(host: string, port: number, paths: readonly string[]): Promise<string[]> {
  const wrong: string[] = [];
  let forbidden = 0;
  const waiting = paths.values();
  const client = async (): Promise<void> => {
    for (const path of waiting) {
      const body = await answer(host, port, path);
      if (!body.startsWith('forbidden')) continue;
      forbidden++;
      const by = passes(path);
      if (by.length > 0) wrong.push(`${JSON.stringify(path)} is ${body.trim()}, let through by ${by.join('; ')}`);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, client));
  if (forbidden < MIN_FORBIDDEN)
    throw new Error(`only ${forbidden} of ${paths.length} paths reached what is forbidden`);
  return wrong;
}

/** The body of an answer with status 200, else nothing. */
function answer(host: string, port: number, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    let text = '';
    socket.setEncoding('latin1').on('data', (data: string) => (text += data));
    socket.on('error', reject).on('close', () => {
      const head = text.indexOf('\r\n\r\n');
      resolve(/^HTTP\/1\.[01] 200 /.test(text) ? text.slice(head + 4) : '');
    });
    socket.write(`GET ${path} HTTP/1.0\r\nHost: shop\r\n\r\n`, 'latin1');
  });
}
