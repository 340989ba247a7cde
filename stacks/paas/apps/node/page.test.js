import assert from 'node:assert/strict';
import { test } from 'node:test';
import { page } from './page.js';

test('the page shows its version', () => {
  assert.match(page({ version: 'Version 7', style: '' }), /<h1>Version 7<\/h1>/);
});
