import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { OverviewDocument, ProcessDocument } from './document.ts';
import { detailText } from './detail-text.ts';
import { amount } from '#kit/text/amount.ts';
import { elapsedText, startedText, timeText } from './format.ts';
import { BadQuery, readQuery } from './query.ts';
import { overviewText } from './text.ts';

const someone = (pid: number, ppid: number, fields: Partial<ProcessDocument> = {}): ProcessDocument => ({
  pid,
  ppid,
  user: 'joe',
  uid: 5,
  state: 'S',
  cpu_percent: 0,
  cpu_seconds: 61.5,
  memory_percent: 0.1,
  resident_bytes: 2_048_000,
  threads: 1,
  open_files: 3,
  started: '2026-11-21T08:00:00Z',
  elapsed_seconds: 65,
  group: 'abc',
  name: 'app',
  command: `app ${pid}`,
  ...fields,
});
const document: OverviewDocument = {
  version: 1,
  time: '2026-11-21T08:01:05.000Z',
  uptime_seconds: 90_061,
  window_seconds: 1,
  processors: 2,
  memory_bytes: 8e9,
  load: [1, 0.5, 0.25],
  omitted: 0,
  groups: [
    {
      id: 'abc',
      name: 'web',
      processes: 4,
      cpu_percent: 60,
      cpu_seconds: 1,
      memory_percent: 0.4,
      resident_bytes: 1,
      threads: 4,
      open_files: 1,
      started: '',
      restarts: 0,
    },
  ],
  processes: [
    someone(1, 0),
    someone(20, 1, { cpu_percent: 60, state: 'R' }),
    someone(3, 20, { resident_bytes: 9e9, open_files: null, lacks: { open_files: 'CAP_SYS_PTRACE' } }),
    someone(4, 1, { cpu_percent: null, user: 'ann' }),
  ],
};
const commands = (text: string): string[] => [...text.matchAll(/web {7}( *app \d+)$/gm)].map(([, command]) => command!);

test('it looks like top', () => {
  const lines = overviewText(document, { sort: 'cpu', tree: false, width: Infinity }).split('\n');
  assert.equal(lines.slice(0, 7), [
    'topz - 08:01:05 up 1-01:01:01, load average: 1.00, 0.50, 0.25',
    'Tasks: 4 total, 1 running, 3 sleeping, 0 stopped, 0 zombie, in 1 containers',
    '%Cpu: 60.0 used of 200; Mem: 8.4g resident of 7.5g',
    '',
    'PID PPID USER S %CPU %MEM  RES THR FD STARTED ELAPSED   TIME+ CONTAINER COMMAND',
    ' 20    1 joe  R 60.0  0.1 2000   1  3   08:00   01:05 1:01.50 web       app 20',
    '  1    0 joe  S  0.0  0.1 2000   1  3   08:00   01:05 1:01.50 web       app 1',
  ]);
  assert.is(lines.at(-2), 'open_files of 1 processes: lacks CAP_SYS_PTRACE, or the same user and group');
});

test('sorted by what was asked for', () => {
  const by = (sort: 'cpu' | 'memory' | 'pid' | 'user'): string[] =>
    commands(overviewText(document, { sort, tree: false, width: Infinity })).map((each) => each.trim());
  assert.equal(by('cpu'), ['app 20', 'app 1', 'app 3', 'app 4']);
  assert.equal(by('memory'), ['app 3', 'app 1', 'app 4', 'app 20']);
  assert.equal(by('pid'), ['app 1', 'app 3', 'app 4', 'app 20']);
  assert.equal(by('user'), ['app 4', 'app 1', 'app 3', 'app 20']);
});

test('a tree has children under their parents', () => {
  assert.equal(commands(overviewText(document, { sort: 'pid', tree: true, width: Infinity })), [
    'app 1',
    '  app 4',
    '  app 20',
    '    app 3',
  ]);
});

test('a narrow terminal gets fewer columns, and no line that is longer', () => {
  const lines = overviewText(document, { sort: 'cpu', tree: false, width: 50 }).split('\n');
  assert.equal(lines.slice(4, 6), [
    'PID USER S %CPU  RES THR FD ELAPSED COMMAND',
    ' 20 joe  R 60.0 2000   1  3   01:05 app 20',
  ]);
  assert.ok(lines.every((line) => line.length <= 50));
});

test('a process in detail', () => {
  const text = detailText({
    version: 1,
    time: '',
    process: document.processes[2]!,
    history: null,
    limits: [{ name: 'open files', soft: 1024, hard: null, unit: 'files' }],
    namespaces: null,
    sockets: [{ protocol: 'tcp', local: '127.0.0.1:80', remote: '', state: 'LISTEN', inode: 1 }],
    lacks: { namespaces: 'CAP_SYS_PTRACE' },
  });
  for (const part of [
    /^open_files +-$/m,
    /^ {2}open files +1024 +unlimited files$/m,
    /^ {2}lacks CAP_SYS_PTRACE, or/m,
    /^ {2}tcp {3}127\.0\.0\.1:80 LISTEN$/m,
    /^open_files: lacks/m,
  ])
    assert.match(text, part);
});

test('figures are written as top and ps do', () => {
  assert.equal([0, 1024, 10_239_000, 10_240_000, 2e9].map(amount), ['0', '1', '9999', '9.8m', '1.9g']);
  assert.equal([0, 59, 3599, 3600, 86_399, 86_400].map(elapsedText), [
    '00:00',
    '00:59',
    '59:59',
    '01:00:00',
    '23:59:59',
    '1-00:00:00',
  ]);
  assert.is(timeText(125.5), '2:05.50');
  assert.is(startedText('2026-11-21T08:00:00Z', 5), '08:00');
  assert.is(startedText('2026-11-21T08:00:00Z', 86_400), 'Nov21');
});

test('a browser gets the page, everybody else the text', () => {
  const read = (query: string, accept = '*/*') => readQuery(new URLSearchParams(query), accept);
  assert.is(read('').format, 'text');
  assert.is(read('', 'text/html,application/xhtml+xml,*/*').format, 'html');
  assert.is(read('format=json', 'text/html').format, 'json');
  assert.equal(read('pid=7&tree&history=1&sort=memory'), {
    format: 'text',
    pid: 7,
    sort: 'memory',
    tree: true,
    history: true,
    width: Infinity,
  });
  assert.is(read('tree=0').tree, false);
});

test('what cannot be answered says what can', () => {
  for (const [query, message] of [
    ['pid=x', 'pid: accepted is a process id'],
    ['pid=0', 'pid: accepted is a process id'],
    ['pid=-1', 'pid: accepted is a process id'],
    ['pid=99999999999', 'pid: accepted is a process id'],
    ['width=9', 'width: accepted is a number from 10 to 9999'],
    ['format=xml', 'format: accepted is one of html, text, json'],
    ['sort=x', 'sort: accepted is one of cpu, memory, pid, threads, files, started, user, command'],
  ] as const)
    try {
      readQuery(new URLSearchParams(query), '');
      assert.unreachable(query);
    } catch (error) {
      assert.instance(error, BadQuery);
      assert.is((error as Error).message, message);
    }
});

test.run();
