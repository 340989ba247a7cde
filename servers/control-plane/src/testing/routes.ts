/** For tests: two routes of a policy that say all that a route can. */

export const CANARY = {
  name: 'canary',
  match: {
    path: { prefix: '/new/' },
    methods: ['GET', 'HEAD'],
    headers: [
      { name: 'x-user', regex: 'a.*' },
      { name: 'x-n', range: { from: 1, to: 5 } },
      { name: 'x-no', invert: true },
    ],
    percent: 12.5,
  },
  to: [{ subset: 'v2', weight: 1 }],
  rewrite: { prefix: '/', authority: 'v2.books' },
  requestHeaders: { set: { a: '1' }, add: { b: '2' }, remove: ['c'] },
  hash: [{ header: 'x-user' }, { source: true }],
};

export const MAIN = {
  name: 'main',
  timeout: '2s',
  retry: {
    on: ['5xx', 'retriable-status-codes'],
    attempts: 2,
    perTryTimeout: '500ms',
    statusCodes: [409],
    backoff: { base: '10ms', max: '100ms' },
  },
  to: [
    { subset: 'v1', weight: 80 },
    { subset: 'v2', weight: 20 },
  ],
  mirror: [{ subset: 'v2', percent: 10 }],
  fault: {
    delay: { percent: 1, duration: '3s' },
    abort: { percent: 0.5, status: 503 },
    headers: [{ name: 'x-test', exact: 'yes' }],
  },
  rateLimit: { requests: 5, per: '1s' },
};
