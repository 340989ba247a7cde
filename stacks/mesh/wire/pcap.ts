/** TCP streams out of what tcpdump wrote: pcap, Ethernet, IPv4. */

export interface Stream {
  /** `ADDRESS:PORT` */
  readonly from: string;
  readonly to: string;
  /** The bytes from the stream's beginning, as far as none is missing. */
  readonly bytes: Buffer;
  /** Whether the capture saw the connection begin, so that `bytes` begins where the stream does. */
  readonly whole: boolean;
}

const MAGIC = 0xa1b2c3d4;
const ETHERNET = 1;
const IPV4 = 0x0800;
const TCP = 6;
const SYN = 0x02;

/**
 * Put the TCP streams of a capture together, one for each direction of a connection.
 * @param capture what `tcpdump -w` wrote, in the byte order of this machine's kind (little endian)
 * @throws {Error} when it is no pcap of an Ethernet interface
 */
export function readStreams(capture: Buffer): Stream[] {
  if (capture.length < 24 || capture.readUInt32LE(0) !== MAGIC) throw new Error('no pcap in little endian');
  if (capture.readUInt32LE(20) !== ETHERNET) throw new Error('not of an Ethernet interface');
  const streams = new Map<string, Segments>();
  for (let at = 24; at + 16 <= capture.length;) {
    const length = capture.readUInt32LE(at + 8);
    const frame = capture.subarray(at + 16, at + 16 + length);
    at += 16 + length;
    const segment = readSegment(frame);
    if (!segment) continue;
    const key = `${segment.from} ${segment.to}`;
    const known = streams.get(key) ?? { from: segment.from, to: segment.to, first: undefined, parts: [] };
    streams.set(key, known);
    if (segment.begins) known.first = (segment.sequence + 1) >>> 0;
    if (segment.payload.length > 0) known.parts.push(segment);
  }
  return [...streams.values()].map(assemble);
}

interface Segment {
  readonly from: string;
  readonly to: string;
  readonly sequence: number;
  readonly begins: boolean;
  readonly payload: Buffer;
}

interface Segments {
  readonly from: string;
  readonly to: string;
  /** Sequence number of the first byte. */
  first: number | undefined;
  readonly parts: Segment[];
}

function readSegment(frame: Buffer): Segment | undefined {
  if (frame.length < 34 || frame.readUInt16BE(12) !== IPV4) return undefined;
  const packet = frame.subarray(14);
  const header = (packet[0]! & 0x0f) * 4;
  // A frame may be padded: the packet says how long it is.
  const datagram = packet.subarray(header, packet.readUInt16BE(2));
  if (packet[9] !== TCP || datagram.length < 20) return undefined;
  const address = (offset: number): string => packet.subarray(offset, offset + 4).join('.');
  return {
    from: `${address(12)}:${datagram.readUInt16BE(0)}`,
    to: `${address(16)}:${datagram.readUInt16BE(2)}`,
    sequence: datagram.readUInt32BE(4),
    begins: (datagram[13]! & SYN) !== 0,
    payload: datagram.subarray((datagram[12]! >> 4) * 4),
  };
}

function assemble({ from, to, first, parts }: Segments): Stream {
  const begin = first ?? parts[0]?.sequence ?? 0;
  const placed = parts
    .map(({ sequence, payload }) => ({ offset: (sequence - begin) | 0, payload }))
    .toSorted((a, b) => a.offset - b.offset);
  const pieces: Buffer[] = [];
  let end = 0;
  for (const { offset, payload } of placed) {
    if (offset > end) break;
    const fresh = payload.subarray(end - offset);
    pieces.push(fresh);
    end += fresh.length;
  }
  return { from, to, bytes: Buffer.concat(pieces), whole: first !== undefined };
}
