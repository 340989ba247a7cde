import type { contract } from './contract.ts';
import type { Method } from './lib/identity.ts';

/** The parameters that each method cannot do without. */
export const REQUIRED_PARAMETERS: Readonly<Record<Method, readonly (keyof typeof contract.parameters)[]>> = {
  oidc: ['OIDC_ISSUER', 'OIDC_CLIENT_ID', 'AUTH_COOKIE_SECRET_FILE'],
  jwt: ['OIDC_ISSUER'],
  basic: ['AUTH_HTPASSWD_FILE'],
  apikey: ['AUTH_API_KEYS_FILE'],
};
