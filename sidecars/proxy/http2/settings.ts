/** SETTINGS: what each side tells the other (RFC 9113, section 6.5). */
import {
  DEFAULT_TABLE_SIZE,
  DEFAULT_WINDOW,
  FLOW_CONTROL_ERROR,
  MAX_FRAME_SIZE,
  MAX_WINDOW,
  NO_ERROR,
  PROTOCOL_ERROR,
  SETTINGS_ENABLE_CONNECT_PROTOCOL,
  SETTINGS_ENABLE_PUSH,
  SETTINGS_HEADER_TABLE_SIZE,
  SETTINGS_INITIAL_WINDOW_SIZE,
  SETTINGS_MAX_CONCURRENT_STREAMS,
  SETTINGS_MAX_FRAME_SIZE,
} from './codes.ts';

/** Bytes of one setting. */
export const SETTING_SIZE = 6;
const LARGEST_FRAME_SIZE = 2 ** 24 - 1;

/** What a peer has told. */
export class PeerSettings {
  headerTableSize = DEFAULT_TABLE_SIZE;
  maxConcurrentStreams = Infinity;
  initialWindowSize = DEFAULT_WINDOW;
  maxFrameSize = MAX_FRAME_SIZE;
  enableConnectProtocol = false;

  /**
   * Take one setting; unknown ones mean nothing.
   * @param fromServer the peer is a server
   * @returns NO_ERROR, or the connection's error
   */
  take(id: number, value: number, fromServer: boolean): number {
    switch (id) {
      case SETTINGS_HEADER_TABLE_SIZE:
        this.headerTableSize = value;
        break;
      case SETTINGS_ENABLE_PUSH:
        if (value > 1 || (value === 1 && fromServer)) return PROTOCOL_ERROR;
        break;
      case SETTINGS_MAX_CONCURRENT_STREAMS:
        this.maxConcurrentStreams = value;
        break;
      case SETTINGS_INITIAL_WINDOW_SIZE:
        if (value > MAX_WINDOW) return FLOW_CONTROL_ERROR;
        this.initialWindowSize = value;
        break;
      case SETTINGS_MAX_FRAME_SIZE:
        if (value < MAX_FRAME_SIZE || value > LARGEST_FRAME_SIZE) return PROTOCOL_ERROR;
        // Larger frames would only keep other streams waiting.
        this.maxFrameSize = MAX_FRAME_SIZE;
        break;
      case SETTINGS_ENABLE_CONNECT_PROTOCOL:
        if (value > 1) return PROTOCOL_ERROR;
        this.enableConnectProtocol = value === 1;
    }
    return NO_ERROR;
  }
}
