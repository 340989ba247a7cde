/** Short replies whose elements are strings, numbers and nulls: the messages of subscriptions. */

/**
 * Read one.
 * @param bytes a complete reply
 * @returns its elements; undefined when it is something else
 */
export function flatElements(bytes: Buffer): (Buffer | number | null)[] | undefined {
  const head = /^[*>%](\d{1,4})\r\n/.exec(bytes.toString('latin1', 0, 16));
  if (!head) return undefined;
  const elements: (Buffer | number | null)[] = [];
  let at = head[0].length;
  for (let left = Number(head[1]) * (bytes[0] === 0x25 ? 2 : 1); left > 0; left--) {
    const end = bytes.indexOf(0x0a, at);
    if (end === -1) return undefined;
    const line = bytes.toString('latin1', at + 1, end - 1);
    const type = bytes[at];
    at = end + 1;
    if (type === 0x3a) elements.push(Number(line));
    else if (type === 0x5f || line === '-1') elements.push(null);
    else if (type === 0x24 && /^\d{1,10}$/.test(line) && at + Number(line) + 2 <= bytes.length) {
      elements.push(bytes.subarray(at, at + Number(line)));
      at += Number(line) + 2;
    } else return undefined;
  }
  return elements;
}
