/** What is said when the rules cannot be loaded. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Nft } from './nft.ts';
import { missing } from './preflight.ts';

test('a kernel that has everything lacks nothing', async () => {
  assert.equal(await missing(() => Promise.resolve(undefined)), []);
});

test('each thing that is missing is named', async () => {
  const nft: Nft = (_args, rules) =>
    Promise.resolve(
      rules.includes('redirect') ? 'Error: Could not process rule: No such file or directory' : undefined,
    );
  assert.equal(await missing(nft), ['the kernel lacks redirection (CONFIG_NFT_REDIR, module nft_redir)']);
});

test('a container without the capability is told so, and nothing of the kernel', async () => {
  const nft: Nft = () => Promise.resolve('Error: Could not process rule: Operation not permitted');
  assert.equal(await missing(nft), ['the capability NET_ADMIN is missing: cap_add: [NET_ADMIN], and user 0']);
});

test.run();
