/** git's own HTTP server program behind a small web server, for what only a server can be made to do. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What stands between a client and git: true when it has answered itself. */
export type Intercept = (request: IncomingMessage, response: ServerResponse) => boolean;

export class TestGitServer {
  /** Authorization headers, as they came. */
  readonly authorizations: (string | undefined)[] = [];
  credentials: { username: string; password: string } | undefined;
  intercept: Intercept = () => false;
  readonly #root: string;
  readonly #server: Server;

  /** @param root the directory of repositories */
  constructor(root: string) {
    this.#root = root;
    this.#server = createServer((request, response) => this.#serve(request, response));
  }

  async listen(port = 0): Promise<number> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#server.unref();
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const { authorization } = request.headers;
    this.authorizations.push(authorization);
    if (this.intercept(request, response)) return;
    const { credentials } = this;
    const right =
      credentials && `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`;
    if (right !== undefined && authorization !== right) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end('no\n');
      return;
    }
    this.#backend(request, response);
  }

  /** CGI (RFC 3875), as far as git needs it. */
  #backend(request: IncomingMessage, response: ServerResponse): void {
    const [path = '', query = ''] = request.url!.split('?', 2);
    const child = spawn('git', ['http-backend'], {
      env: {
        PATH: process.env['PATH'],
        GIT_PROJECT_ROOT: this.#root,
        GIT_HTTP_EXPORT_ALL: '1',
        GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
        GIT_CONFIG_COUNT: '1',
        GIT_CONFIG_KEY_0: 'safe.directory',
        GIT_CONFIG_VALUE_0: '*',
        PATH_INFO: path,
        QUERY_STRING: query,
        REQUEST_METHOD: request.method,
        CONTENT_TYPE: request.headers['content-type'],
        ...(request.headers['content-encoding'] !== undefined && {
          HTTP_CONTENT_ENCODING: String(request.headers['content-encoding']),
        }),
      },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    child.stdin.on('error', () => {});
    request.pipe(child.stdin);
    let head = Buffer.alloc(0);
    const onData = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      child.stdout.off('data', onData);
      const headers = Object.fromEntries(
        head
          .subarray(0, end)
          .toString()
          .split('\r\n')
          .map((line) => line.split(/:\s*/, 2) as [string, string]),
      );
      response.writeHead(Number.parseInt(headers['Status'] ?? '200', 10), headers);
      response.write(head.subarray(end + 4));
      child.stdout.pipe(response);
    };
    child.stdout.on('data', onData);
  }
}
