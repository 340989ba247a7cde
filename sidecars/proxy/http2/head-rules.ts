/** What makes a head a request, a response, or trailers (RFC 9113, section 8). */
import { AUTHORITY, METHOD, PATH, PROTOCOL, SCHEME, STATUS, type FieldBlock } from './field-block.ts';

const CONNECT = 'CONNECT';

/**
 * Whether a block is a well-formed request head.
 * @param extendedConnect the server takes `:protocol` (RFC 8441)
 */
export function isRequest(block: FieldBlock, extendedConnect: boolean): boolean {
  if (block.malformed || !block.has(METHOD) || block.has(STATUS)) return false;
  const connect = block.end(METHOD) - block.start(METHOD) === CONNECT.length && block.pseudo(METHOD) === CONNECT;
  if (block.has(PROTOCOL)) {
    if (!connect || !extendedConnect || !block.has(AUTHORITY)) return false;
  } else if (connect) return block.has(AUTHORITY) && !block.has(SCHEME) && !block.has(PATH);
  return block.has(SCHEME) && block.has(PATH) && block.end(PATH) > block.start(PATH);
}

/** Whether a block is a well-formed response head. */
export function isResponse(block: FieldBlock): boolean {
  if (block.malformed || block.status < 100) return false;
  for (const kind of [METHOD, SCHEME, AUTHORITY, PATH, PROTOCOL]) if (block.has(kind)) return false;
  return true;
}

/** Whether a block is a well-formed trailer section. */
export function isTrailers(block: FieldBlock): boolean {
  return !block.malformed && !block.hasPseudo;
}
