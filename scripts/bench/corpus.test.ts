import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { corpusUrls, REQUESTS } from './corpus.ts';

const test = suite('corpus');

test('a corpus is a thousand URLs of one resource, the same ones at each run', () => {
  const urls = corpusUrls('https://localhost:8443/small');
  assert.is(new Set(urls).size, REQUESTS);
  assert.ok(urls.every((url) => new URL(url).pathname === '/small'));
  assert.equal(urls, corpusUrls('https://localhost:8443/small'));
});

test.run();
