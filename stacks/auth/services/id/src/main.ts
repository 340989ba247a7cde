/**
 * The login service of the stack: oidc-provider with refresh tokens that rotate, back-channel logout, and
 * the login form that it brings for development. Any name gets in; `many` is in 300 groups.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import Provider from 'oidc-provider';

const ISSUER = process.env['ISSUER'] ?? '';
const SHOP = process.env['SHOP'] ?? '';
const PORT = 3000;
/** Of access tokens, in seconds: short, so that the stack sees many refreshes. */
const LIFE = 6;

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

/** An account by its name. */
function account(name: string): { accountId: string; claims: () => Record<string, unknown> } {
  const groups =
    name === 'many'
      ? Array.from({ length: 300 }, (_, index) => `department-of-long-names-${index}`)
      : ['staff', ...(name === 'root' ? ['admins'] : [])];
  return {
    accountId: name,
    claims: () => ({
      sub: name,
      email: `${name}@shop.example`,
      email_verified: true,
      preferred_username: name,
      groups,
    }),
  };
}

const provider = new Provider(ISSUER, {
  clients: [
    {
      client_id: 'shop',
      client_secret: readFileSync('/run/secrets/client', 'utf8').trim(),
      redirect_uris: [`${SHOP}/oauth2/callback`],
      post_logout_redirect_uris: [`${SHOP}/`],
      backchannel_logout_uri: `${SHOP}/oauth2/backchannel-logout`,
      backchannel_logout_session_required: true,
      grant_types: ['authorization_code', 'refresh_token'],
    },
  ],
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', kid: 'one' }] },
  cookies: { keys: [randomBytes(32).toString('hex')] },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['preferred_username', 'groups'] },
  features: { backchannelLogout: { enabled: true }, revocation: { enabled: true }, devInteractions: { enabled: true } },
  pkce: { required: () => true },
  // Also for clients that do not ask for offline_access: a session is to be renewed.
  issueRefreshToken: () => true,
  rotateRefreshToken: true,
  ttl: { AccessToken: LIFE, RefreshToken: 86_400, Session: 86_400, Grant: 86_400, Interaction: 600, IdToken: 600 },
  // The shop is in the same private network, which oidc-provider's own guard would not speak to.
  fetch: (url: string, { dispatcher: _guard, ...options }: RequestInit & { dispatcher?: unknown }) =>
    fetch(url, options),
  findAccount: (_context: unknown, name: string) => account(name),
});
provider.proxy = true;
provider.on('server_error', (_context: never, error: never) => console.error(error));
provider.on('backchannel.error', (_context: never, error: never) => console.error(error));
createServer(provider.callback()).listen(PORT, '127.0.0.1', () => console.log(`${ISSUER} on ${PORT}`));
