/** How many round trips an upload takes: windows grow with a peer that uses them. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TestConnection } from '#proxy/testing/http2.ts';

const MEBIBYTE = 1024 * 1024;
const POST = Object.entries({ ':method': 'POST', ':scheme': 'https', ':authority': 'a', ':path': '/' });

/** @returns how often the client hears of the server until all of it has left */
function roundTrips(size: number): number {
  const client = new TestConnection('client');
  const server = new TestConnection('server');
  client.receive(server.output());
  server.receive(client.output());
  const stream = client.request(POST, false);
  const body = Buffer.alloc(64 * 1024);
  for (let sent = 0; sent < size; sent += body.length) client.connection.sendData(stream, body, 0, body.length, true);
  client.connection.sendEnd(stream);
  for (let trips = 0; ; trips++) {
    server.receive(client.output());
    if (server.messages[0]?.ended === true) return trips;
    assert.ok(trips < 1000, 'it stands still');
    client.receive(server.output());
  }
}

test('an upload of 4 MB takes two round trips; 64 MB need no more than the largest window', () => {
  assert.equal(
    [4, 64].map((size) => roundTrips(size * MEBIBYTE)),
    [2, 18],
  );
});

test.run();
