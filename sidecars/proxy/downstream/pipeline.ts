/** Requests of one connection that came together and are answered at once: a limited number in a turn of the event loop. */
import { REQUEST, TurnShare } from '#proxy/loop/turn.ts';
import type { DownstreamHandler, DownstreamInfo } from '../sockets/connection.ts';

/** Work in one turn, in pieces. */
const WORK_A_TURN = 64;

export class Pipeline {
  readonly #info: DownstreamInfo;
  readonly #share: TurnShare;

  /**
   * @param handler told when `goOn` throws
   * @param goOn reads the next requests; what `mayGoOn` paused is read on by itself
   */
  constructor(info: DownstreamInfo, handler: DownstreamHandler, goOn: () => void) {
    this.#info = info;
    this.#share = new TurnShare(
      WORK_A_TURN,
      () => {
        // Code that waits for something else pauses it again.
        info.socket.resume();
        try {
          goOn();
        } catch (error) {
          handler.onInternalError(error);
        }
      },
      () => info.remoteAddress,
    );
  }

  /** The next request waits for its turn, and the client with it. */
  get waits(): boolean {
    return this.#share.waits;
  }

  /** A request was answered. @returns false when the next one has to wait */
  mayGoOn(): boolean {
    this.#share.spend(REQUEST);
    if (this.#share.left > 0) return true;
    this.#share.wait();
    this.#info.socket.pause();
    return false;
  }
}
