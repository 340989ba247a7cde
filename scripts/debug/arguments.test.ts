import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readCommandLine, Usage } from './arguments.ts';

const common = { stack: 'https', project: undefined };

test('what may be asked for', () => {
  const rows: [string, unknown][] = [
    ['https', { ...common, kind: 'overview', service: undefined }],
    ['https tls', { ...common, kind: 'overview', service: 'tls' }],
    ['https tls --logs', { ...common, kind: 'logs', service: 'tls', follow: false }],
    ['--logs https --follow tls', { ...common, kind: 'logs', service: 'tls', follow: true }],
    ['https tls --metrics', { ...common, kind: 'metrics', service: 'tls' }],
    ['https --sockets', { ...common, kind: 'sockets', service: undefined }],
    ['https --shell', { ...common, kind: 'shell', service: undefined }],
    ['https tls -- ss --logs -x', { ...common, kind: 'command', service: 'tls', command: ['ss', '--logs', '-x'] }],
    ['https --project x', { ...common, project: 'x', kind: 'overview', service: undefined }],
    ['https -- --help', { ...common, kind: 'command', service: undefined, command: ['--help'] }],
    ['--help https x y z', undefined],
  ];
  for (const [line, expected] of rows) assert.equal(readCommandLine(line.split(' ')), expected, line);
});

test('what may not', () => {
  const rows: [string, RegExp][] = [
    ['', /Which stack\?/],
    ['a b c', /c is one word too many/],
    ['a --logs', /--logs is for one container/],
    ['a --metrics', /--metrics is for one container/],
    ['a b --logs --shell', /One thing at a time: --logs or --shell/],
    ['a b --shell -- ls', /One thing at a time: --shell or --$/],
    ['a b --follow', /--follow goes with --logs/],
    ['a b --', /There is no command after --/],
    ['a --nosuch', /Unknown option '--nosuch'/],
    ['a --project', /--project/],
  ];
  for (const [line, why] of rows) {
    assert.throws(
      () => readCommandLine(line === '' ? [] : line.split(' ')),
      (error: Error) => error instanceof Usage && why.test(error.message),
      line,
    );
  }
});

test('any command line is read or refused, and a command comes through as it is', () => {
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom('--logs', '--metrics', '--sockets', '--shell', '--', '--project', 'tls'),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 6 }), (args) => {
      try {
        readCommandLine(args);
      } catch (error) {
        if (!(error instanceof Usage)) throw error;
      }
    }),
  );
  fc.assert(
    fc.property(fc.array(fc.string(), { minLength: 1 }), (command) => {
      assert.equal(readCommandLine(['https', '--', ...command]), {
        ...common,
        kind: 'command',
        service: undefined,
        command,
      });
    }),
  );
});

test.run();
