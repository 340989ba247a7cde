/** What the admin port says of versions: for machines as JSON, for people as text. */
import type { ServerResponse } from 'node:http';
import type { Kit } from '#kit/life/sidecar.ts';
import type { ErrorFile } from './error-file.ts';
import type { Publisher } from './versions/publisher.ts';
import type { StateFile } from './versions/state.ts';

export interface StatusParts {
  readonly publisher: Publisher;
  readonly state: StateFile;
  readonly errors: ErrorFile;
  readonly repository: string;
  readonly ref: string;
}

/** Serve `/startupz`, `/version` and `/status`. */
export function serveStatus(adminPath: Kit<never, never>['adminPath'], parts: StatusParts): void {
  const { publisher, state, errors, ref } = parts;
  adminPath('/startupz', (_request, response) => {
    const live = publisher.live();
    response
      .writeHead(live === undefined ? 503 : 200)
      .end(`${live ?? errors.current?.error ?? 'nothing is published yet'}\n`);
  });
  adminPath('/version', (_request, response) => {
    const { published, previous, verified, refused } = state.get();
    const report = {
      hash: publisher.live() ?? null,
      ref,
      published,
      previous,
      verified,
      refused,
      error: errors.current,
    };
    response.setHeader('content-type', 'application/json').end(`${JSON.stringify(report)}\n`);
  });
  adminPath('/status', (_request, response: ServerResponse) => {
    response.setHeader('content-type', 'text/plain; charset=utf-8').end(statusText(parts));
  });
}

/** What is live, what is refused and why, and what is wrong, for a person. */
export function statusText({ publisher, state, errors, repository, ref }: StatusParts): string {
  const { published, previous, verified, refused } = state.get();
  const live = publisher.live();
  const time = (at: number): string => new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');
  const since = live !== undefined && live === published?.hash ? `  since ${time(published.at)}` : '';
  const health = live !== undefined && live === verified ? ', seen healthy' : '';
  const error = errors.current;
  const lines = [
    `follows   ${ref} of ${repository}`,
    `live      ${live === undefined ? 'nothing yet' : `${live}${since}${health}`}`,
    ...(previous === undefined ? [] : [`before    ${previous}`]),
  ];
  if (refused) {
    lines.push(`refused   ${refused.hash}  by the ${refused.by} at ${time(refused.at)}`);
    lines.push('', ...refused.reason.split('\n').map((line) => `  ${line}`));
  } else if (error) {
    lines.push(`error     ${error.reason}, ${error.failures} in a row, last at ${error.time}`);
    lines.push('', `  ${error.error}`, `  ${error.advice}`);
  }
  return `${lines.join('\n')}\n`;
}
