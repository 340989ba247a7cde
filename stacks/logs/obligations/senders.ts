/** What programs send by syslog and by OTLP arrives: by senders that are in use everywhere, and by hand. */
import * as assert from 'uvu/assert';
import type { Project } from '../../../scripts/lib/compose.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { arrived, complete, inMessage } from '../lib/arrivals.ts';
import { openFaulty } from '../lib/faulty.ts';
import { reserve } from '../lib/numbers.ts';
import { range, tally } from '../lib/sequence.ts';
import { openStore } from '../lib/store.ts';

const COUNT = 1000;
/** As many datagrams as fit into a kernel's buffer. */
const DATAGRAMS = 100;

/** Run a script beside the sidecar; its arguments are numbers. */
const besideSidecar = (project: Project, script: string, ...numbers: number[]): Promise<string> =>
  project.exec('load', ['bash', '-euc', script, 'senders', ...numbers.map(String)], { timeoutMs: 120_000 });

/** util-linux' logger sends lines, each as a message. */
const LOGGER = (kind: string, ...options: string[]): string =>
  `seq -f 'note %.0f by ${kind}' "$1" "$(($1 + $2 - 1))" | logger --server 127.0.0.1 --port 5514 --tag shop --priority local3.err ${options.join(' ')}`;

/** rsyslog's omfwd by TCP, counted and as lines, and by UDP; the daemon is left running. */
const RSYSLOG = `
rsyslogd -i /tmp/rsyslogd.pid -f /srv/rsyslog.conf
until [ -S /tmp/log.sock ]; do sleep 0.05; done
seq -f 'note %.0f by rsyslog' "$1" "$(($1 + $2 - 1))" | logger --socket /tmp/log.sock --tag shop --priority local3.err
`;
const STOP_RSYSLOG = 'kill "$(cat /tmp/rsyslogd.pid)"';

/** A sender of OTLP, in the sidecar's own container. */
const EXPORTER = `
const [from, count] = process.argv.slice(1).map(Number);
const { gzipSync } = require('node:zlib');
const logRecords = Array.from({ length: count }, (_, at) => ({
  timeUnixNano: String(BigInt(Date.now()) * 1000000n + BigInt(at)), severityNumber: 17,
  traceId: '5b8efff798038103d269b633813fc60c', body: { stringValue: 'order ' + (from + at) + ' exported' },
  attributes: [{ key: 'exported', value: { intValue: String(from + at) } }],
}));
const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'checkout' } }] };
const body = gzipSync(JSON.stringify({ resourceLogs: [{ resource, scopeLogs: [{ logRecords }] }] }));
const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
const send = async () => {
  const answer = await fetch('http://127.0.0.1:4318/v1/logs', { method: 'POST', headers, body });
  return answer.status + ' ' + (await answer.text());
};
// The answer is lost, the exporter thinks, and sends again.
send().then(async (first) => console.log(first, await send()));
`;

export function senders({ must }: Scenario): void {
  must(
    'bring syslog by TCP and UDP, from logger and from rsyslog',
    { say: "Programs write to syslog: util-linux' logger by TCP and UDP, and rsyslog. The sidecar is their server." },
    async ({ project, port, say }) => {
      const store = openStore(port);
      const since = new Date(Date.now() - 2000);
      const fields = ['message', 'log.syslog.appname', 'log.syslog.severity.name', 'log.level'];
      const kinds: Readonly<Record<string, readonly [script: string, count: number, copies: number]>> = {
        lines: [LOGGER('lines', '--tcp', '--rfc5424'), COUNT, 1],
        octets: [LOGGER('octets', '--tcp', '--rfc5424', '--octet-count'), COUNT, 1],
        datagrams: [LOGGER('datagrams', '--udp', '--rfc3164'), DATAGRAMS, 1],
        // By each of its actions once.
        rsyslog: [RSYSLOG, DATAGRAMS, 3],
      };
      for (const [kind, [script, count, copies]] of Object.entries(kinds)) {
        const from = reserve('note', count);
        await besideSidecar(project, script, from, count);
        const search = { service: 'web', since, phrase: `by ${kind}` };
        const number = inMessage(new RegExp(`^note (\\d+) by ${kind}$`));
        const tally = await arrived(store, search, fields, { numbers: range(from, count), number });
        if (copies === 1) complete(tally);
        else
          await eventually('each action has sent them', async () => (await store.count(search)) === count * copies, {
            within: 60_000,
          });
        const [found] = await store.find(search, fields);
        assert.equal(
          [found!['log.syslog.appname'], found!['log.syslog.severity.name'], found!['log.level']],
          ['shop', 'error', 'error'],
        );
      }
      await besideSidecar(project, STOP_RSYSLOG);
      say(`${2 * COUNT} messages by TCP, ${DATAGRAMS} by UDP, ${3 * DATAGRAMS} by rsyslog's three actions`);
    },
  );

  must(
    'bring records of OTLP once, although their request is sent again',
    { say: 'A program exports log records by OTLP, and its request is sent twice. Each record is in the store once.' },
    async ({ project, port, say }) => {
      const faulty = openFaulty(port);
      const { created: after } = await faulty.counts();
      const from = reserve('exported', COUNT);
      const answers = await project.exec('many-logs', ['node', '-e', EXPORTER, `${from}`, `${COUNT}`]);
      assert.is(answers.trim(), '200 {} 200 {}');
      const documents = await eventually(
        'all records are there',
        async () => {
          const all = (await faulty.documents(after)).flatMap(({ body }) =>
            body.includes('"exported":') ? [JSON.parse(body) as Readonly<Record<string, unknown>>] : [],
          );
          return all.length >= COUNT && all;
        },
        { within: 60_000 },
      );
      complete(
        tally(
          documents.map(({ exported }) => Number(exported)),
          range(from, COUNT),
        ),
      );
      const [first] = documents;
      assert.equal(
        [first!['service.name'], first!['log.level'], first!['trace.id']],
        ['checkout', 'error', '5b8efff798038103d269b633813fc60c'],
      );
      await eventually('those that came again are known', async () => (await faulty.counts()).conflicts >= COUNT);
      say(`${COUNT} records, sent twice, there once`);
    },
  );
}
