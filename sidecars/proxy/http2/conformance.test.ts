/**
 * The scenarios of h2spec (github.com/summerwind/h2spec, MIT), under its names and numbers, as far as
 * they say something about a server beyond "it answers": what must be refused, how, and what must not be.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { coded, frame, framesOf, TestConnection, type Frame } from '#proxy/testing/http2.ts';
import {
  COMPRESSION_ERROR,
  CONTINUATION,
  DATA,
  FLAG_ACK,
  FLAG_END_HEADERS,
  FLAG_END_STREAM,
  FLAG_PADDED,
  FLAG_PRIORITY,
  FLOW_CONTROL_ERROR,
  FRAME_SIZE_ERROR,
  GOAWAY,
  HEADERS,
  PING,
  PREFACE,
  PRIORITY,
  PROTOCOL_ERROR,
  PUSH_PROMISE,
  REFUSED_STREAM,
  RST_STREAM,
  SETTINGS,
  SETTINGS_ENABLE_PUSH,
  SETTINGS_INITIAL_WINDOW_SIZE,
  SETTINGS_MAX_FRAME_SIZE,
  STREAM_CLOSED,
  WINDOW_UPDATE,
} from './codes.ts';

type Fields = readonly (readonly [string, string])[];

const COMMON: Fields = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':path', '/'],
  [':authority', 'localhost'],
];
const POST: Fields = [[':method', 'POST'], ...COMMON.slice(1)];
const EH = FLAG_END_HEADERS;
const ES = FLAG_END_STREAM;
const number = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const setting = (id: number, value: number): Buffer =>
  frame(SETTINGS, 0, 0, Buffer.concat([Buffer.from([0, id]), number(value)]));
/** A request without a body, a request whose body follows, and one with further fields. */
const get = (id = 1, fields = COMMON): Buffer => frame(HEADERS, EH | ES, id, coded(fields));
const post = (id = 1, fields = POST): Buffer => frame(HEADERS, EH, id, coded(fields));
const withFields = (...more: Fields): Buffer => get(1, [...COMMON, ...more]);
const without = (name: string): Buffer =>
  get(
    1,
    COMMON.filter(([each]) => each !== name),
  );
/** A request whose block ends with bytes of HPACK by hand. */
const withCode = (...bytes: number[]): Buffer => frame(HEADERS, EH | ES, 1, [...coded(COMMON), ...bytes]);
const data = (id: number, text: string | Uint8Array, flags = ES): Buffer => frame(DATA, flags, id, Buffer.from(text));
const priority = (id: number, on: number): Buffer => frame(PRIORITY, 0, id, [...number(on), 15]);
const window = (id: number, increment: number): Buffer => frame(WINDOW_UPDATE, 0, id, number(increment));
const ping = frame(PING, 0, 0, Buffer.from('h2spec--'));

interface Outcome {
  /** Code of GOAWAY. */
  readonly goaway: number | undefined;
  /** Codes of RST_STREAM. */
  readonly resets: number[];
  /** Streams that were answered with a head. */
  readonly answered: number[];
  readonly frames: Frame[];
  /** A PING at the end was answered. */
  readonly alive: boolean;
}

/** What a server does that has got the frames. */
function outcomeOf(frames: readonly Buffer[], begin: readonly Buffer[] = [PREFACE, frame(SETTINGS, 0, 0)]): Outcome {
  const side = new TestConnection('server');
  side.onMessage = (stream) => {
    side.head(stream, [[':status', '200']], false);
    side.connection.sendData(stream, Buffer.from('hello'), 0, 5);
    side.connection.sendEnd(stream);
  };
  const sent: Buffer[] = [];
  // Cut as a network may, and the answer read after each.
  for (const bytes of [...begin, ...frames]) {
    side.receive(bytes, 1000);
    sent.push(side.output());
  }
  side.receive(ping);
  sent.push(side.output());
  const all = framesOf(Buffer.concat(sent));
  const codes = (type: number, at: number): number[] =>
    all.filter((each) => each.type === type).map(({ payload }) => payload.readUInt32BE(at));
  return {
    goaway: codes(GOAWAY, 4)[0],
    resets: codes(RST_STREAM, 0),
    answered: all.filter(({ type }) => type === HEADERS).map(({ id }) => id),
    frames: all,
    alive: all.at(-1)?.type === PING,
  };
}

/** The connection ends with one of the codes. */
const connection =
  (...codes: number[]) =>
  ({ goaway, alive }: Outcome): void =>
    assert.ok(goaway !== undefined && codes.includes(goaway) && !alive, `GOAWAY ${goaway}`);
/** The stream is reset with one of the codes, and the connection goes on. */
const stream =
  (...codes: number[]) =>
  ({ goaway, resets, alive }: Outcome): void =>
    assert.ok(
      goaway === undefined && alive && resets.length === 1 && codes.includes(resets[0]!),
      `GOAWAY ${goaway}, RST_STREAM ${resets.join()}`,
    );
/** Streams are answered, nothing is refused. */
const answers =
  (...ids: number[]) =>
  ({ goaway, resets, answered, alive }: Outcome): void =>
    assert.equal([goaway, resets, answered, alive], [undefined, [], ids, true]);

const large = Buffer.alloc(16_385);
const SCENARIOS: readonly [name: string, expected: (outcome: Outcome) => void, ...frames: Buffer[]][] = [
  ['generic/2.1: Sends a PRIORITY frame on idle stream', answers(1), priority(1, 0), get()],
  ['generic/2.2: Sends a WINDOW_UPDATE frame on half-closed (remote) stream', answers(1), get(), window(1, 100)],
  ['generic/2.3: Sends a PRIORITY frame on half-closed (remote) stream', answers(1), get(), priority(1, 0)],
  [
    'generic/2.4: Sends a RST_STREAM frame on half-closed (remote) stream',
    answers(1),
    get(),
    frame(RST_STREAM, 0, 1, number(8)),
  ],
  ['generic/2.5: Sends a PRIORITY frame on closed stream', answers(1), get(), priority(1, 0)],
  ['generic/3.1.1: Sends a DATA frame', answers(1), post(), data(1, 'test')],
  ['generic/3.1.2: Sends multiple DATA frames', answers(1), post(), data(1, 'test', 0), data(1, 'test')],
  [
    'generic/3.1.3: Sends a DATA frame with padding',
    answers(1),
    post(),
    data(1, '\u0006test\0\0\0\0\0\0', ES | FLAG_PADDED),
  ],
  [
    'generic/3.2.2: Sends a HEADERS frame with padding',
    answers(1),
    frame(HEADERS, EH | ES | FLAG_PADDED, 1, [6, ...coded(COMMON), 0, 0, 0, 0, 0, 0]),
  ],
  [
    'generic/3.2.3: Sends a HEADERS frame with priority',
    answers(1),
    frame(HEADERS, EH | ES | FLAG_PRIORITY, 1, [0, 0, 0, 0, 255, ...coded(COMMON)]),
  ],
  ['generic/3.3.4: Sends a PRIORITY frame with exclusive', answers(1), frame(PRIORITY, 0, 3, [128, 0, 0, 1, 5]), get()],
  [
    'generic/3.3.5: Sends a PRIORITY frame for an idle stream, then send a HEADER frame for a lower stream ID',
    answers(1),
    priority(3, 0),
    get(),
  ],
  ['generic/3.9.1: Sends a WINDOW_UPDATE frame with stream ID 0', answers(), window(0, 1)],
  [
    'generic/3.10.2: Sends multiple CONTINUATION frames',
    answers(1),
    frame(HEADERS, ES, 1, coded(COMMON.slice(0, 2))),
    frame(CONTINUATION, 0, 1, coded(COMMON.slice(2, 3))),
    frame(CONTINUATION, EH, 1, coded(COMMON.slice(3))),
  ],
  [
    'generic/4.4: Sends a POST request with trailers',
    answers(1),
    post(),
    data(1, 'test', 0),
    frame(HEADERS, EH | ES, 1, coded([['x-test', 'ok']])),
  ],
  [
    'generic/5.1: Sends a indexed header field representation',
    answers(1),
    frame(HEADERS, EH | ES, 1, [0x82, 0x86, 0x84, ...coded([[':authority', 'a']])]),
  ],
  [
    'generic/5.15: Sends multiple dynamic table size update',
    answers(1),
    frame(HEADERS, EH | ES, 1, [0x20, 0x3f, 0xe1, 0x1f, ...coded(COMMON)]),
  ],

  ['http2/4.1.1: Sends a frame with unknown type', answers(1), frame(0x16, 0, 0, Buffer.alloc(8)), get()],
  ['http2/4.1.2: Sends a frame with undefined flag', answers(), frame(PING, 0x16, 0, Buffer.alloc(8))],
  ['http2/4.1.3: Sends a frame with reserved field bit', answers(), frame(PING, 0x16, 0x80000000, Buffer.alloc(8))],
  ['http2/4.2.1: Sends a DATA frame with 2^14 octets in length', answers(1), post(), data(1, large.subarray(1))],
  [
    'http2/4.2.2: Sends a large size DATA frame that exceeds the SETTINGS_MAX_FRAME_SIZE',
    connection(FRAME_SIZE_ERROR),
    post(),
    data(1, large),
  ],
  [
    'http2/4.2.3: Sends a large size HEADERS frame that exceeds the SETTINGS_MAX_FRAME_SIZE',
    connection(FRAME_SIZE_ERROR),
    withFields(...Array.from({ length: 5 }, (_, index) => [`x-dummy${index}`, 'x'.repeat(4096)] as const)),
  ],
  [
    'http2/4.3.1: Sends invalid header block fragment',
    connection(COMPRESSION_ERROR),
    frame(HEADERS, EH | ES, 1, [0x40]),
  ],
  [
    'http2/4.3.2: Sends a PRIORITY frame while sending the header blocks',
    connection(PROTOCOL_ERROR),
    frame(HEADERS, 0, 1, coded(COMMON)),
    priority(1, 0),
  ],
  [
    'http2/4.3.3: Sends a HEADERS frame to another stream while sending the header blocks',
    connection(PROTOCOL_ERROR),
    frame(HEADERS, 0, 1, coded(COMMON)),
    get(3),
  ],

  ['http2/5.1.1: idle: Sends a DATA frame', connection(PROTOCOL_ERROR), data(1, 'test')],
  ['http2/5.1.2: idle: Sends a RST_STREAM frame', connection(PROTOCOL_ERROR), frame(RST_STREAM, 0, 1, number(8))],
  ['http2/5.1.3: idle: Sends a WINDOW_UPDATE frame', connection(PROTOCOL_ERROR), window(1, 100)],
  [
    'http2/5.1.4: idle: Sends a CONTINUATION frame',
    connection(PROTOCOL_ERROR),
    frame(CONTINUATION, EH, 1, coded(COMMON)),
  ],
  [
    'http2/5.1.8: closed: Sends a DATA frame after sending RST_STREAM frame',
    stream(STREAM_CLOSED),
    post(),
    frame(RST_STREAM, 0, 1, number(8)),
    data(1, 'test'),
  ],
  [
    'http2/5.1.9: closed: Sends a HEADERS frame after sending RST_STREAM frame',
    connection(STREAM_CLOSED),
    post(),
    frame(RST_STREAM, 0, 1, number(8)),
    get(),
  ],
  [
    'http2/5.1.10: closed: Sends a CONTINUATION frame after sending RST_STREAM frame',
    connection(PROTOCOL_ERROR),
    post(),
    frame(RST_STREAM, 0, 1, number(8)),
    frame(CONTINUATION, EH, 1, coded([['x-test', 'ok']])),
  ],
  ['http2/5.1.12: closed: Sends a HEADERS frame', connection(STREAM_CLOSED), get(), get()],
  [
    'http2/5.1.13: closed: Sends a CONTINUATION frame',
    connection(PROTOCOL_ERROR),
    get(),
    frame(CONTINUATION, EH, 1, coded([['x-test', 'ok']])),
  ],
  ['http2/5.1.1/1: Sends even-numbered stream identifier', connection(PROTOCOL_ERROR), get(2)],
  [
    'http2/5.1.1/2: Sends stream identifier that is numerically smaller than previous',
    connection(PROTOCOL_ERROR),
    get(5),
    get(3),
  ],
  [
    'http2/5.1.2/1: Sends HEADERS frames that causes their advertised concurrent stream limit to be exceeded',
    stream(REFUSED_STREAM),
    ...Array.from({ length: 129 }, (_, index) => post(2 * index + 1)),
  ],
  [
    'http2/5.3.1/1: Sends HEADERS frame that depends on itself',
    stream(PROTOCOL_ERROR),
    frame(HEADERS, EH | ES | FLAG_PRIORITY, 1, [0, 0, 0, 1, 255, ...coded(COMMON)]),
  ],
  ['http2/5.3.1/2: Sends PRIORITY frame that depend on itself', stream(PROTOCOL_ERROR), post(), priority(1, 1)],
  ['http2/5.5.1: Sends an unknown extension frame', answers(), frame(0xff, 0xff, 0, Buffer.from('unknown'))],
  [
    'http2/5.5.2: Sends an unknown extension frame in the middle of a header block',
    connection(PROTOCOL_ERROR),
    frame(HEADERS, ES, 1, coded(COMMON)),
    frame(0xff, 0xff, 0, Buffer.from('unknown')),
  ],

  ['http2/6.1.1: Sends a DATA frame with 0x0 stream identifier', connection(PROTOCOL_ERROR), data(0, 'test')],
  [
    'http2/6.1.2: Sends a DATA frame on the stream that is not in "open" or "half-closed (local)" state',
    stream(STREAM_CLOSED),
    get(),
    data(1, 'test'),
  ],
  [
    'http2/6.1.3: Sends a DATA frame with invalid pad length',
    connection(PROTOCOL_ERROR),
    post(),
    data(1, '\u0006test', ES | FLAG_PADDED),
  ],
  [
    'http2/6.2.1: Sends a HEADERS frame without the END_HEADERS flag, and a PRIORITY frame',
    connection(PROTOCOL_ERROR),
    frame(HEADERS, ES, 1, coded(COMMON)),
    priority(1, 0),
  ],
  ['http2/6.2.3: Sends a HEADERS frame with 0x0 stream identifier', connection(PROTOCOL_ERROR), get(0)],
  [
    'http2/6.2.4: Sends a HEADERS frame with invalid pad length',
    connection(PROTOCOL_ERROR),
    frame(HEADERS, EH | ES | FLAG_PADDED, 1, [255, ...coded(COMMON)]),
  ],
  ['http2/6.3.1: Sends a PRIORITY frame with 0x0 stream identifier', connection(PROTOCOL_ERROR), priority(0, 0)],
  [
    'http2/6.3.2: Sends a PRIORITY frame with a length other than 5 octets',
    stream(FRAME_SIZE_ERROR),
    post(),
    frame(PRIORITY, 0, 1, [0, 0, 0, 1]),
  ],
  [
    'http2/6.4.1: Sends a RST_STREAM frame with 0x0 stream identifier',
    connection(PROTOCOL_ERROR),
    frame(RST_STREAM, 0, 0, number(8)),
  ],
  [
    'http2/6.4.2: Sends a RST_STREAM frame on a idle stream',
    connection(PROTOCOL_ERROR),
    frame(RST_STREAM, 0, 1, number(8)),
  ],
  [
    'http2/6.4.3: Sends a RST_STREAM frame with a length other than 4 octets',
    connection(FRAME_SIZE_ERROR),
    post(),
    frame(RST_STREAM, 0, 1, [0, 0, 0]),
  ],
  [
    'http2/6.5.1: Sends a SETTINGS frame with ACK flag and payload',
    connection(FRAME_SIZE_ERROR),
    frame(SETTINGS, FLAG_ACK, 0, [0]),
  ],
  [
    'http2/6.5.2: Sends a SETTINGS frame with a stream identifier other than 0x0',
    connection(PROTOCOL_ERROR),
    frame(SETTINGS, 0, 1, [0, 3, 0, 0, 0, 100]),
  ],
  [
    'http2/6.5.3: Sends a SETTINGS frame with a length other than a multiple of 6 octets',
    connection(FRAME_SIZE_ERROR),
    frame(SETTINGS, 0, 0, [0, 3, 0]),
  ],
  [
    'http2/6.5.2/1: SETTINGS_ENABLE_PUSH (0x2): Sends the value other than 0 or 1',
    connection(PROTOCOL_ERROR),
    setting(SETTINGS_ENABLE_PUSH, 2),
  ],
  [
    'http2/6.5.2/2: SETTINGS_INITIAL_WINDOW_SIZE (0x4): Sends the value above the maximum flow control window size',
    connection(FLOW_CONTROL_ERROR),
    setting(SETTINGS_INITIAL_WINDOW_SIZE, 2 ** 31),
  ],
  [
    'http2/6.5.2/3: SETTINGS_MAX_FRAME_SIZE (0x5): Sends the value below the initial value',
    connection(PROTOCOL_ERROR),
    setting(SETTINGS_MAX_FRAME_SIZE, 16_383),
  ],
  [
    'http2/6.5.2/4: SETTINGS_MAX_FRAME_SIZE (0x5): Sends the value above the maximum allowed frame size',
    connection(PROTOCOL_ERROR),
    setting(SETTINGS_MAX_FRAME_SIZE, 2 ** 24),
  ],
  ['http2/6.5.2/5: Sends a SETTINGS frame with unknown identifier', answers(), setting(0xff, 1)],
  ['http2/6.7.2: Sends a PING frame with ACK', answers(), frame(PING, FLAG_ACK, 0, Buffer.from('invalid-'))],
  [
    'http2/6.7.3: Sends a PING frame with a stream identifier field value other than 0x0',
    connection(PROTOCOL_ERROR),
    frame(PING, 0, 1, Buffer.alloc(8)),
  ],
  [
    'http2/6.7.4: Sends a PING frame with a length field value other than 8',
    connection(FRAME_SIZE_ERROR),
    frame(PING, 0, 0, Buffer.alloc(6)),
  ],
  [
    'http2/6.8.1: Sends a GOAWAY frame with a stream identifier other than 0x0',
    connection(PROTOCOL_ERROR),
    frame(GOAWAY, 0, 1, Buffer.alloc(8)),
  ],
  [
    'http2/6.9.1: Sends a WINDOW_UPDATE frame with a flow control window increment of 0',
    connection(PROTOCOL_ERROR),
    window(0, 0),
  ],
  [
    'http2/6.9.2: Sends a WINDOW_UPDATE frame with a flow control window increment of 0 on a stream',
    stream(PROTOCOL_ERROR),
    post(),
    window(1, 0),
  ],
  [
    'http2/6.9.3: Sends a WINDOW_UPDATE frame with a length other than 4 octets',
    connection(FRAME_SIZE_ERROR),
    frame(WINDOW_UPDATE, 0, 0, [0, 0, 1]),
  ],
  [
    'http2/6.9.1/2: Sends multiple WINDOW_UPDATE frames increasing the flow control window to above 2^31-1',
    connection(FLOW_CONTROL_ERROR),
    window(0, 2 ** 31 - 1),
    window(0, 2 ** 31 - 1),
  ],
  [
    'http2/6.9.1/3: Sends multiple WINDOW_UPDATE frames increasing the flow control window to above 2^31-1 on a stream',
    stream(FLOW_CONTROL_ERROR),
    post(),
    window(1, 2 ** 31 - 1),
    window(1, 2 ** 31 - 1),
  ],
  [
    'http2/6.10.2: Sends a CONTINUATION frame followed by any frame other than CONTINUATION',
    connection(PROTOCOL_ERROR),
    frame(HEADERS, 0, 1, coded(COMMON)),
    frame(CONTINUATION, 0, 1, coded([['x-test', 'ok']])),
    data(1, 'test'),
  ],
  [
    'http2/6.10.3: Sends a CONTINUATION frame with 0x0 stream identifier',
    connection(PROTOCOL_ERROR),
    frame(HEADERS, 0, 1, coded(COMMON)),
    frame(CONTINUATION, EH, 0, coded([['x-test', 'ok']])),
  ],
  [
    'http2/6.10.4: Sends a CONTINUATION frame preceded by a HEADERS frame with END_HEADERS flag',
    connection(PROTOCOL_ERROR),
    post(),
    frame(CONTINUATION, EH, 1, coded([['x-test', 'ok']])),
  ],
  [
    'http2/6.10.5: Sends a CONTINUATION frame preceded by a CONTINUATION frame with END_HEADERS flag',
    connection(PROTOCOL_ERROR),
    frame(HEADERS, 0, 1, coded(COMMON)),
    frame(CONTINUATION, EH, 1, coded([['x-test', 'ok']])),
    frame(CONTINUATION, EH, 1, coded([['x-test', 'ok']])),
  ],
  [
    'http2/6.10.6: Sends a CONTINUATION frame preceded by a DATA frame',
    connection(PROTOCOL_ERROR),
    post(),
    data(1, 'test', 0),
    frame(CONTINUATION, EH, 1, coded([['x-test', 'ok']])),
  ],
  [
    'http2/7.1: Sends a GOAWAY frame with unknown error code',
    answers(),
    frame(GOAWAY, 0, 0, [0, 0, 0, 0, 0, 0, 0, 0xff]),
  ],
  [
    'http2/7.2: Sends a RST_STREAM frame with unknown error code',
    answers(),
    post(),
    frame(RST_STREAM, 0, 1, number(0xff)),
  ],

  [
    'http2/8.1.1: Sends a second HEADERS frame without the END_STREAM flag',
    stream(PROTOCOL_ERROR),
    post(),
    frame(HEADERS, EH, 1, coded([['x-test', 'ok']])),
  ],
  [
    'http2/8.1.2.1: Sends a HEADERS frame that contains the header field name in uppercase letters',
    stream(PROTOCOL_ERROR),
    withFields(['X-TEST', 'ok']),
  ],
  [
    'http2/8.1.2.1/1: Sends a HEADERS frame that contains a unknown pseudo-header field',
    stream(PROTOCOL_ERROR),
    get(1, [...COMMON, [':test', 'ok']]),
  ],
  [
    'http2/8.1.2.1/2: Sends a HEADERS frame that contains the pseudo-header field defined for response',
    stream(PROTOCOL_ERROR),
    get(1, [...COMMON, [':status', '200']]),
  ],
  [
    'http2/8.1.2.1/3: Sends a HEADERS frame that contains a pseudo-header field as trailers',
    stream(PROTOCOL_ERROR),
    post(),
    frame(HEADERS, EH | ES, 1, coded([[':method', '200']])),
  ],
  [
    'http2/8.1.2.1/4: Sends a HEADERS frame that contains a pseudo-header field that appears in a header block after a regular header field',
    stream(PROTOCOL_ERROR),
    get(1, [['x-test', 'ok'], ...COMMON]),
  ],
  ...['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'].map(
    (name) =>
      [
        `http2/8.1.2.2/1: Sends a HEADERS frame that contains the connection-specific header field: ${name}`,
        stream(PROTOCOL_ERROR),
        withFields([name, 'keep-alive']),
      ] as [string, (outcome: Outcome) => void, Buffer],
  ),
  [
    'http2/8.1.2.2/2: Sends a HEADERS frame that contains the TE header field with any value other than "trailers"',
    stream(PROTOCOL_ERROR),
    withFields(['te', 'trailers, deflate']),
  ],
  ['TE with the value "trailers" is allowed', answers(1), withFields(['te', 'trailers'])],
  [
    'http2/8.1.2.3/1: Sends a HEADERS frame with empty ":path" pseudo-header field',
    stream(PROTOCOL_ERROR),
    get(1, [COMMON[0]!, COMMON[1]!, [':path', ''], COMMON[3]!]),
  ],
  [
    'http2/8.1.2.3/2: Sends a HEADERS frame that omits ":method" pseudo-header field',
    stream(PROTOCOL_ERROR),
    without(':method'),
  ],
  [
    'http2/8.1.2.3/3: Sends a HEADERS frame that omits ":scheme" pseudo-header field',
    stream(PROTOCOL_ERROR),
    without(':scheme'),
  ],
  [
    'http2/8.1.2.3/4: Sends a HEADERS frame that omits ":path" pseudo-header field',
    stream(PROTOCOL_ERROR),
    without(':path'),
  ],
  ...COMMON.map(
    (field) =>
      [
        `http2/8.1.2.3/5 to 7: Sends a HEADERS frame with duplicated "${field[0]}" pseudo-header field`,
        stream(PROTOCOL_ERROR),
        get(1, [...COMMON, field]),
      ] as [string, (outcome: Outcome) => void, Buffer],
  ),
  [
    'http2/8.1.2.6/1: Sends a HEADERS frame with the "content-length" header field which does not equal the DATA frame payload length',
    stream(PROTOCOL_ERROR),
    post(1, [...POST, ['content-length', '1']]),
    data(1, 'test'),
  ],
  [
    'http2/8.1.2.6/2: Sends a HEADERS frame with the "content-length" header field which does not equal the sum of the multiple DATA frames payload length',
    stream(PROTOCOL_ERROR),
    post(1, [...POST, ['content-length', '9']]),
    data(1, 'test', 0),
    data(1, 'test'),
  ],
  [
    'http2/8.2.1: Sends a PUSH_PROMISE frame',
    connection(PROTOCOL_ERROR),
    post(),
    frame(PUSH_PROMISE, EH, 1, [0, 0, 0, 3, ...coded(COMMON)]),
  ],

  [
    'hpack/2.3.3/1: Sends a indexed header field representation with invalid index',
    connection(COMPRESSION_ERROR),
    withCode(0xc6),
  ],
  [
    'hpack/2.3.3/2: Sends a literal header field representation with invalid index',
    connection(COMPRESSION_ERROR),
    withCode(0x7f, 0x07, 0x00),
  ],
  [
    'hpack/4.2/1: Sends a dynamic table size update at the end of header block',
    connection(COMPRESSION_ERROR),
    withCode(0x21),
  ],
  [
    'hpack/5.2/1: Sends a Huffman-encoded string literal representation with padding longer than 7 bits',
    connection(COMPRESSION_ERROR),
    withCode(0x00, 0x85, 0xf2, 0xb2, 0x4a, 0x84, 0xff, 0x84, 0x49, 0x50, 0x9f, 0xff),
  ],
  [
    'hpack/5.2/2: Sends a Huffman-encoded string literal representation padded by zero',
    connection(COMPRESSION_ERROR),
    withCode(0x00, 0x85, 0xf2, 0xb2, 0x4a, 0x84, 0xff, 0x83, 0x49, 0x50, 0x90),
  ],
  [
    'hpack/5.2/3: Sends a Huffman-encoded string literal representation containing the EOS symbol',
    connection(COMPRESSION_ERROR),
    withCode(0x00, 0x85, 0xf2, 0xb2, 0x4a, 0x84, 0xff, 0x87, 0x49, 0x51, 0xff, 0xff, 0xff, 0xfa, 0x7f),
  ],
  [
    'hpack/6.1/1: Sends a indexed header field representation with index 0',
    connection(COMPRESSION_ERROR),
    withCode(0x80),
  ],
  [
    'hpack/6.3/1: Sends a dynamic table size update larger than the value of SETTINGS_HEADER_TABLE_SIZE',
    connection(COMPRESSION_ERROR),
    frame(HEADERS, EH | ES, 1, [0x3f, 0xe2, 0x1f, ...coded(COMMON)]),
  ],
];

for (const [name, expected, ...frames] of SCENARIOS) test(name, () => expected(outcomeOf(frames)));

test('http2/5.1.5 to 5.1.7: half closed (remote): Sends a DATA, HEADERS or CONTINUATION frame', () => {
  // The answer must not have closed the stream: its window is empty.
  const begin = [PREFACE, setting(SETTINGS_INITIAL_WINDOW_SIZE, 0)];
  stream(STREAM_CLOSED)(outcomeOf([get(), data(1, 'test')], begin));
  stream(STREAM_CLOSED)(outcomeOf([get(), get()], begin));
  connection(PROTOCOL_ERROR)(outcomeOf([get(), frame(CONTINUATION, EH, 1, coded([['x-test', 'ok']]))], begin));
});

test('http2/3.5: the preface, and SETTINGS after it, come first', () => {
  answers()(outcomeOf([]));
  connection(PROTOCOL_ERROR)(outcomeOf([], [Buffer.from('INVALID CONNECTION PREFACE\r\n\r\n')]));
  connection(PROTOCOL_ERROR)(outcomeOf([], [PREFACE, ping]));
  connection(PROTOCOL_ERROR)(outcomeOf([], [PREFACE, frame(SETTINGS, FLAG_ACK, 0)]));
  // What the server says first is SETTINGS.
  assert.is(outcomeOf([]).frames[0]!.type, SETTINGS);
});

test('http2/6.5.3: settings take effect in their order, and are acknowledged', () => {
  const window = (value: number): number[] => [0, SETTINGS_INITIAL_WINDOW_SIZE, ...number(value)];
  const { frames } = outcomeOf([frame(SETTINGS, 0, 0, [...window(100), ...window(1)]), get()]);
  assert.is(frames.filter(({ type, flags }) => type === SETTINGS && flags === FLAG_ACK).length, 2);
  assert.is(frames.find(({ type }) => type === DATA)!.payload.length, 1);
});

test('http2/6.9.1/1 and 6.9.2: what is sent keeps to the window, which may shrink below nothing', () => {
  const sizes = (...frames: Buffer[]): number[] =>
    outcomeOf(frames)
      .frames.filter(({ type }) => type === DATA)
      .map(({ payload }) => payload.length);
  const initial = (size: number): Buffer => setting(SETTINGS_INITIAL_WINDOW_SIZE, size);
  assert.equal(sizes(initial(1), get()), [1]);
  // Changes reach streams that are open.
  assert.equal(sizes(initial(0), get(), initial(1)), [1]);
  // 3 were sent; the window becomes -1, then 1.
  assert.equal(sizes(initial(3), get(), initial(2), window(1, 2)), [3, 1]);
});

test('http2/6.7.1: a PING is answered with its own bytes', () => {
  const { frames } = outcomeOf([]);
  assert.equal([frames.at(-1)!.flags, String(frames.at(-1)!.payload)], [FLAG_ACK, 'h2spec--']);
});

test.run();
