/** Who may do what. */
import * as assert from 'uvu/assert';
import { BOARD, serverOf, tokenOf, type Must } from '../lib/pods.ts';

export function access(must: Must): void {
  must(
    'refuse who has no token, the wrong scope, or an old version in hand',
    {
      say: 'Nobody gets in without a token, a sidecar may not write, and a change to an outdated version is refused with the reason.',
    },
    async (stage) => {
      const server = await serverOf(stage);
      const path = `/v1/documents/${BOARD.key}`;
      const version = await server.version(BOARD.key);
      const before = await server.get(BOARD.key);
      const put = async (token: string | null | undefined, headers: Record<string, string>): Promise<number> => {
        const answer = await server.ask(path, {
          method: 'PUT',
          body: 'x',
          headers,
          ...(token !== undefined && { token }),
        });
        return answer.status;
      };
      const current = { 'if-match': `"${version}"` };
      const sidecar = await tokenOf(stage, 'board');
      assert.is(await put(null, current), 401, 'no token');
      assert.is(await put(`${sidecar}x`, current), 401, 'an unknown token');
      assert.is(await put(sidecar, current), 403, "a sidecar's token");
      assert.is(await put(undefined, { 'if-match': `"${Number(version) - 1}"` }), 412, 'an old version');
      assert.is(await put(undefined, { 'if-none-match': '*' }), 412, 'a document that exists');
      assert.is(await put(undefined, {}), 428, 'no condition');
      assert.is((await server.ask(path, { token: null })).status, 401, 'reading without a token');
      assert.is((await server.ask('/v1/watch', { token: null })).status, 401, 'watching without a token');
      assert.is(await server.get(BOARD.key), before, 'nothing was changed');
      const log = await stage.project.logs((await stage.project.inspect('config-server')).Id);
      assert.not.ok(log.includes(sidecar), "a sidecar's token in the log");
      assert.match(log, /"audit":\{/);
    },
  );
}
