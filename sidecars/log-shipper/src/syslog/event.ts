/** A syslog message as a document: what its header says, by the names of the Elastic Common Schema. */
import { member } from '../lines/document.ts';
import type { ReceivedEvent } from '../lines/to-record.ts';
import { readMessage, type StructuredData } from './message.ts';

const FACILITIES = [
  ['kern', 'user', 'mail', 'daemon', 'auth', 'syslog', 'lpr', 'news', 'uucp', 'cron', 'authpriv', 'ftp', 'ntp'],
  ['security', 'console', 'solaris-cron'],
  ['local0', 'local1', 'local2', 'local3', 'local4', 'local5', 'local6', 'local7'],
].flat();
const SEVERITIES = ['emergency', 'alert', 'critical', 'error', 'warning', 'notice', 'informational', 'debug'];
/** As applications write them. */
const LEVELS = ['emerg', 'alert', 'crit', 'error', 'warn', 'notice', 'info', 'debug'];

/**
 * @param bytes one message
 * @param address of the sender
 * @param now ISO 8601
 */
export function toEvent(
  bytes: Buffer,
  { address, cut, now, serviceName }: { address: string; cut: boolean; now: string; serviceName: string | undefined },
): Omit<ReceivedEvent, 'id'> {
  const { priority, version, time, hostname, appname, procid, msgid, structured, text, foreign } = readMessage(
    bytes,
    now,
  );
  const said = {
    version: version === undefined ? undefined : String(version),
    priority,
    facility: priority === undefined ? undefined : { code: priority >> 3, name: FACILITIES[priority >> 3] },
    severity: priority === undefined ? undefined : { code: priority & 7, name: SEVERITIES[priority & 7] },
    hostname,
    appname,
    procid,
    msgid,
    structured_data: structured && toObject(structured),
  };
  const header = JSON.stringify(said);
  return {
    source: `syslog:${address}`,
    members: [
      header === '{}' ? '' : `"log.syslog":${header},`,
      member('log.level', priority === undefined ? undefined : LEVELS[priority & 7]),
      member('log.source.address', address),
      member('service.name', serviceName),
    ].join(''),
    text,
    time: time ?? now,
    foreign,
    cut,
    multiline: false,
    structured: structured !== undefined,
  };
}

const toObject = (structured: StructuredData): Record<string, unknown> =>
  Object.fromEntries([...structured].map(([id, parameters]) => [id, Object.fromEntries(parameters)]));
