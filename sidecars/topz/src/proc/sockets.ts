/** /proc/PID/net/{tcp,tcp6,udp,udp6,unix}: sockets of a network namespace, by inode. */

export interface Socket {
  readonly protocol: 'tcp' | 'tcp6' | 'udp' | 'udp6' | 'unix';
  /** `127.0.0.1:80`, `[::1]:80`, or a path; empty for a nameless one. */
  readonly local: string;
  /** Empty where there is no other end. */
  readonly remote: string;
  /** Such as `LISTEN`; empty where the protocol has none. */
  readonly state: string;
  readonly inode: number;
}

// include/net/tcp_states.h, from 1 on.
const TCP_STATES =
  'ESTABLISHED SYN_SENT SYN_RECV FIN_WAIT1 FIN_WAIT2 TIME_WAIT CLOSE CLOSE_WAIT LAST_ACK LISTEN CLOSING NEW_SYN_RECV'.split(
    ' ',
  );

/**
 * Parse a table of TCP or UDP sockets (proc_net_tcp(5)).
 * @param text the file's content; lines of another form are left out
 * @param protocol the file's name
 */
export function parseInetSockets(text: string, protocol: 'tcp' | 'tcp6' | 'udp' | 'udp6'): Socket[] {
  return text.split('\n').flatMap((line) => {
    const match =
      /^ *\d+: ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) ([0-9A-F]{2}) \S+ \S+ \S+ +\d+ +\d+ (\d+)/.exec(
        line,
      );
    if (!match) return [];
    const [, local, localPort, remote, remotePort, state, inode] = match as unknown as string[];
    const bound = /[1-9A-F]/.test(remote! + remotePort!);
    return [
      {
        protocol,
        local: endpoint(local!, localPort!),
        remote: bound ? endpoint(remote!, remotePort!) : '',
        state: protocol.startsWith('tcp') ? (TCP_STATES[Number.parseInt(state!, 16) - 1] ?? '') : '',
        inode: Number(inode),
      },
    ];
  });
}

/** Parse /proc/PID/net/unix. */
export function parseUnixSockets(text: string): Socket[] {
  return text.split('\n').flatMap((line) => {
    const [, flags, inode, path = ''] =
      /^[0-9a-f]+: [0-9A-F]+ [0-9A-F]+ ([0-9A-F]+) [0-9A-F]+ [0-9A-F]+ +(\d+)(?: (.*))?$/.exec(line) ?? [];
    if (flags === undefined) return [];
    const listening = (Number.parseInt(flags, 16) & LISTENING) !== 0;
    return [
      { protocol: 'unix' as const, local: path, remote: '', state: listening ? 'LISTEN' : '', inode: Number(inode) },
    ];
  });
}

/** __SO_ACCEPTCON of include/linux/net.h. */
const LISTENING = 0x10000;

/** The kernel prints each 32-bit word of an address as a number of this machine, least byte first. */
function endpoint(hex: string, port: string): string {
  const bytes = Buffer.from(hex, 'hex');
  for (let at = 0; at < bytes.length; at += 4) bytes.subarray(at, at + 4).reverse();
  const number = Number.parseInt(port, 16);
  if (bytes.length === 4) return `${bytes.join('.')}:${number}`;
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16));
  // The URL parser knows how an address is shortened.
  return `${new URL(`http://[${groups.join(':')}]`).hostname}:${number}`;
}
