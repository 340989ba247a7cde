/** What clients are told. */

export const CROSS =
  'ERR the keys of this command live on different servers: give them one hash tag, such as {user:1}:name and {user:1}:mail';

/** What a client sent, fit for an error's line. */
export const printable = (text: string): string => text.slice(0, 64).replaceAll(/[^ -~]/g, '?');
export const PATTERN =
  'ERR a pattern of BY or GET may name keys of other servers: give it a hash tag before its asterisk, as in {tag}:*';
