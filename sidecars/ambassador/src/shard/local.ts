/** What the ambassador answers itself: whatever is about the connection and not about keys. */
import { arrayHead, bulkReply, errorReply, mapReply, nullReply, OK } from '../resp/encode.ts';
import type { Command } from '../resp/request-reader.ts';
import type { Client } from './client.ts';
import type { OwnConnections } from './own-connections.ts';
import { printable } from './refusal.ts';

/** What is known of the connection. */
export interface Local {
  readonly client: Client;
  readonly own: OwnConnections;
  readonly version: string;
  protocol: 2 | 3;
  name: string;
}

const NAMES = new Set(['ECHO', 'SELECT', 'QUIT', 'AUTH', 'HELLO', 'CLIENT', 'UNWATCH']);
const NO_PASSWORD = 'ERR the ambassador asks for no password: it gives the servers theirs itself';

/** @param name in capitals */
export const answersItself = (name: string): boolean => NAMES.has(name);

/** What a client of RESP2 that has subscriptions is told for PING. */
export const pongOfSubscriber = (command: Command): Buffer =>
  Buffer.concat([arrayHead(2), bulkReply('pong'), bulkReply(command.length > 1 ? command.text(1) : '')]);

/** Answer a command for which `answersItself` holds. */
export function answerItself(local: Local, name: string, command: Command): void {
  const { client } = local;
  const argument = (index: number): string => (command.length > index ? command.text(index) : '');
  switch (name) {
    case 'ECHO':
      client.answer(
        command.length === 2 ? bulkReply(argument(1)) : errorReply("ERR wrong number of arguments for 'echo' command"),
      );
      return;
    case 'SELECT':
      client.answer(
        argument(1) === '0' ? OK : errorReply('ERR SELECT is not allowed: an ambassador has database 0 alone'),
      );
      return;
    case 'QUIT':
      client.answer(OK);
      client.end();
      return;
    case 'AUTH':
      client.answer(errorReply(NO_PASSWORD));
      return;
    case 'HELLO':
      client.answer(hello(local, command));
      return;
    case 'CLIENT':
      if (argument(1).toUpperCase() === 'REPLY') setReplies(client, command);
      else client.answer(aboutClient(local, command));
      return;
    default:
      client.answer(OK);
  }
}

function hello(local: Local, command: Command): Buffer {
  const version = command.length > 1 ? command.text(1) : String(local.protocol);
  if (version !== '2' && version !== '3') return errorReply('NOPROTO unsupported protocol version');
  for (let at = 2; at < command.length; at++) {
    const word = command.text(at).toUpperCase();
    if (word === 'SETNAME' && at + 1 < command.length) local.name = command.text(++at);
    else if (word === 'AUTH' && at + 2 < command.length) return errorReply(NO_PASSWORD);
    else return errorReply(`ERR Syntax error in HELLO option '${printable(word)}'`);
  }
  if (local.protocol !== Number(version)) local.own.closeAll();
  local.protocol = version === '3' ? 3 : 2;
  return mapReply(
    [
      ['server', 'sidecar-stacks-ambassador'],
      ['version', local.version],
      ['proto', local.protocol],
      ['id', local.client.id],
      ['mode', 'standalone'],
      ['role', 'master'],
      ['modules', []],
    ],
    local.protocol,
  );
}

/** CLIENT REPLY: OFF and SKIP are not answered; SKIP is about the one command behind it. */
function setReplies(client: Client, command: Command): void {
  const how = command.length === 3 ? command.text(2).toUpperCase() : '';
  if (how === 'OFF') client.replies = 'off';
  else if (how === 'SKIP') client.replies = client.replies === 'off' ? 'off' : 'skip';
  else {
    if (how === 'ON') client.replies = 'on';
    client.answer(how === 'ON' ? OK : errorReply('ERR syntax error'));
  }
}

function aboutClient(local: Local, command: Command): Buffer {
  const word = command.length > 1 ? command.text(1).toUpperCase() : '';
  switch (word) {
    case 'SETNAME':
      if (command.length !== 3) return errorReply("ERR wrong number of arguments for 'client|setname' command");
      if (/[^!-~]/.test(command.text(2)))
        return errorReply('ERR Client names cannot contain spaces, newlines or special characters.');
      local.name = command.text(2);
      return OK;
    case 'GETNAME':
      return local.name === '' ? nullReply(local.protocol) : bulkReply(local.name);
    case 'ID':
      return Buffer.from(`:${local.client.id}\r\n`);
    case 'SETINFO':
      return OK;
    case 'INFO':
      return bulkReply(`id=${local.client.id} name=${local.name} db=0 resp=${local.protocol}\n`);
    default:
      return errorReply(`ERR CLIENT ${printable(word)} is not answered by an ambassador`);
  }
}
