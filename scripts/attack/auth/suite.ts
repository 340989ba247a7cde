/** Attacks on the auth sidecar. */
import type { AttackSuite } from '../suite.ts';
import { askAsGoodClient } from './client.ts';
import { logins, logouts, longPaths, passwords, slowBodies } from './floods.ts';
import { cookies, identities, paths, tokens } from './intruders.ts';

export const suite: AttackSuite = {
  sidecar: 'sidecar',
  admin: 'http://127.0.0.1:9904',
  gauges: ['auth_connections_open'],
  never: ['auth_internal_errors_total'],
  attacks: {
    'ways to write a path': paths,
    'identity fields in other spellings': identities,
    'tokens of strangers': tokens,
    'cookies and keys that are made up': cookies,
    'passwords by many addresses': passwords,
    'logins by many addresses': logins,
    'long paths': longPaths,
    'logout tokens that are none': logouts,
    'bodies that stop': slowBodies,
  },
  good: askAsGoodClient,
};
