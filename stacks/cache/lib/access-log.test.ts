import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { requestsFor } from './access-log.ts';

const PAGE = '/page?cc=max-age=600&id=n1x1';

test('requests for a page are counted, whatever their method and status', () => {
  const log = `GET ${PAGE} HTTP/1.1 200\nPOST ${PAGE} HTTP/1.1 500\n`;
  assert.equal(requestsFor(log, PAGE), [`GET ${PAGE} HTTP/1.1 200`, `POST ${PAGE} HTTP/1.1 500`]);
});

test('a head that could not be read is not a request for the page that was asked before it', () => {
  // As lighttpd 1.4.79 writes it, for a field of 12,000 bytes on a connection that is kept.
  const log = `GET ${PAGE} HTTP/1.1 200\n ${PAGE}  431\n`;
  assert.equal(requestsFor(log, PAGE), [`GET ${PAGE} HTTP/1.1 200`]);
});

test('a page whose name begins like another is another', () => {
  assert.equal(requestsFor(`GET ${PAGE}2 HTTP/1.1 200\nGET /x${PAGE} HTTP/1.1 200\n`, PAGE), []);
});

test('a line that is not whole yet does not count', () => {
  assert.equal(requestsFor(`GET ${PAGE}`, PAGE), []);
});

test.run();
