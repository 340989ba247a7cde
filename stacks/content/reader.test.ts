/** The readers see what they are there to see. */
import type { RequestListener } from 'node:http';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { serve } from '#kit/testing/server.ts';
import { startReaders, type ReaderReport } from './reader.ts';

const test = suite('readers');
const COMMIT = 'a'.repeat(40);

/** Read a small site until there were several pages or failures. */
async function read(asset: RequestListener): Promise<ReaderReport> {
  let count = 0;
  await using server = await serve((request, response) => {
    count += 1;
    if (request.url === '/') response.writeHead(302, { location: `/${COMMIT}/` }).end();
    else if (request.url === `/${COMMIT}/`) response.end('Version 1 <a href="one"> <a href="two">');
    else if (request.url!.startsWith('/assets/')) response.end('Version 1');
    else asset(request, response);
  });
  const readers = startReaders(server.port, 2);
  await eventually('they have read', () => count > 20);
  return await readers.stop();
}

test('pages of one version are whole', async () => {
  const { pages, versions, mixed, failed, files } = await read((_request, response) => response.end('Version 1'));
  assert.ok(pages > 0 && files > 0);
  assert.is(versions.get('Version 1'), pages);
  assert.equal([mixed, failed], [[], []]);
});

test('a page with an asset of another version is mixed', async () => {
  const { mixed } = await read(({ url }, response) => response.end(url!.endsWith('two') ? 'Version 2' : 'Version 1'));
  assert.is(mixed[0], 'Version 1, Version 2');
});

test('an asset that is not there is a failure', async () => {
  const { pages, failed } = await read((_request, response) => response.writeHead(404).end());
  assert.is(pages, 0);
  assert.is(failed[0], `/${COMMIT}/one: status 404`);
});

test.run();
