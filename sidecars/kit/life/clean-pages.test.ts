/** Only pages that can be had again are let go of, and the program goes on with them. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cleanMappings, releaseCleanPages } from './clean-pages.ts';

interface Shape {
  readonly permissions?: string;
  readonly inode?: number;
  readonly path?: string;
  readonly rss?: number;
  readonly anonymous?: number;
  readonly locked?: number;
}

const entry = ({
  permissions = 'r-xp',
  inode = 7,
  path = '/usr/bin/node',
  rss = 64,
  anonymous = 0,
  locked = 0,
}: Shape) =>
  `00400000-00500000 ${permissions} 0042e000 fe:00 ${inode}                            ${path}
Size:               1024 kB
KernelPageSize:        4 kB
Rss:                ${String(rss).padStart(4)} kB
Pss:                  12 kB
Anonymous:          ${String(anonymous).padStart(4)} kB
Locked:             ${String(locked).padStart(4)} kB
THPeligible:           0
VmFlags: rd ex mr mw me sd
`;
const CLEAN = { start: 0x400000n, end: 0x500000n, resident: 64 };

test('code and constants of a file are clean; writable memory and anonymous memory are not', () => {
  assert.equal(cleanMappings(entry({})), [CLEAN]);
  assert.equal(cleanMappings(entry({ permissions: 'r--p', path: '/a file (deleted)' })), [CLEAN]);
  const others: Shape[] = [
    { anonymous: 4 },
    { locked: 64 },
    { rss: 0 },
    { permissions: 'rw-p' },
    { permissions: 'rwxp' },
    { permissions: '---p' },
    { path: '[vdso]', inode: 0 },
    { path: '', inode: 0 },
    { path: '/dev/zero (deleted)', inode: 0 },
  ];
  for (const other of others) assert.equal(cleanMappings(entry(other)), [], JSON.stringify(other));
  assert.equal(cleanMappings(others.map(entry).join('') + entry({}) + entry({ anonymous: 8 })), [CLEAN]);
});

test('a mapping that is cut short is not clean, wherever it is cut, and no text is an error', () => {
  const text = entry({});
  for (let cut = 0; cut < text.indexOf('Locked:'); cut++) assert.equal(cleanMappings(text.slice(0, cut)), []);
  fc.assert(fc.property(fc.string(), (any) => assert.equal(cleanMappings(any), [])));
});

/** What it has mapped of files before and after, in kB, and that it still does what it did. */
const PROGRAM = `
  import { readFileSync } from 'node:fs';
  import { createHash } from 'node:crypto';
  import { releaseCleanPages } from '${import.meta.resolve('./clean-pages.ts')}';
  const mapped = () => Number(/^RssFile:\\s+(\\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
  const before = mapped();
  const released = releaseCleanPages();
  const after = mapped();
  const work = () => [createHash('sha256').update('a').digest('hex'), new Intl.NumberFormat('de').format(1e6), new URL('http://ü/').host];
  console.log(JSON.stringify({ before, released, after, work: work() }));
`;

test('most of what a start has mapped is let go of, and the program does its work', async () => {
  const node = [
    '--experimental-ffi',
    '--disable-warning=ExperimentalWarning',
    '--input-type=module',
    '--eval',
    PROGRAM,
  ];
  const { stdout } = await promisify(execFile)(process.execPath, node, { timeout: 60_000 });
  const { before, released, after, work } = JSON.parse(stdout) as Record<'before' | 'released' | 'after', number> & {
    work: string[];
  };
  assert.ok(released > before / 2, `${released} of ${before} kB`);
  assert.ok(after < before / 2, `${before} kB before, ${after} kB after`);
  assert.equal(work, ['ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb', '1.000.000', 'xn--tda']);
});

test('without the right to call the C library nothing is done', () => {
  assert.not(process.execArgv.includes('--experimental-ffi'));
  assert.is(releaseCleanPages(), 0);
});

test.run();
