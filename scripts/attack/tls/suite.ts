/** Attacks on the tls sidecar. */
import type { AttackSuite } from '../suite.ts';
import { get } from './client.ts';
import { slowReaders, oneByteChunks, halfHeads, nearlyLegalHeads } from './http1.ts';
import { manyFrames, oneByteData, tableNames, tableResizes } from './http2.ts';

export const suite: AttackSuite = {
  sidecar: 'sidecar',
  admin: 'http://127.0.0.1:9901',
  gauges: ['tls_connections_open', 'tls_requests_in_flight'],
  never: ['tls_internal_errors_total'],
  attacks: {
    'slow readers over HTTP/1': slowReaders,
    'chunks of one byte': oneByteChunks,
    'heads that never end': halfHeads,
    'heads that are nearly legal': nearlyLegalHeads,
    'HPACK names from the dynamic table': tableNames,
    'HPACK table resizes': tableResizes,
    'DATA frames of one byte': oneByteData,
    'frames that are nearly legal': manyFrames,
  },
  async good(signal) {
    const body = await get('/', signal);
    if (body !== 'hi') throw new Error(`answered ${JSON.stringify(body)}`);
  },
};
