/** Commands as servers of RESP take them: https://valkey.io/topics/protocol/. */

const CRLF = Buffer.from('\r\n');

/**
 * A command as an array of bulk strings.
 * @param words texts, or bytes
 * @param encoding of the texts
 */
export function encodeCommand(words: readonly (string | Uint8Array)[], encoding: 'utf8' | 'latin1' = 'latin1'): Buffer {
  const parts: Uint8Array[] = [Buffer.from(`*${words.length}\r\n`)];
  for (const word of words) {
    const bytes = typeof word === 'string' ? Buffer.from(word, encoding) : word;
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, CRLF);
  }
  return Buffer.concat(parts);
}
