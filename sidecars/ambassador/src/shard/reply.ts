/** What a client is told for one command. */
import { errorReply } from '../resp/encode.ts';
import type { Pending } from './pending.ts';

/** The client, as its replies see it. */
export interface ReplyOwner {
  onPart(reply: Reply, size: number): void;
  congested(reply: Reply, resume: () => void): boolean;
  flush(): void;
  close(): void;
  /** Whether a part of a reply has left already. */
  sentPartOf(reply: Reply): boolean;
  /** A command was not answered by a server. */
  onForwardError(): void;
}

/** Parts as they come. */
export class Reply implements Pending {
  readonly #owner: ReplyOwner;
  /** Nothing of it is sent: CLIENT REPLY OFF. */
  readonly #silent: boolean;
  parts: Buffer[] = [];
  done = false;
  /** Bytes that have come. */
  size = 0;

  constructor(owner: ReplyOwner, silent: boolean) {
    this.#owner = owner;
    this.#silent = silent;
  }

  onReply(bytes: Buffer, done: boolean): void {
    if (!this.#silent) {
      this.parts.push(bytes);
      this.size += bytes.length;
    }
    this.done = done;
    this.#owner.onPart(this, this.#silent ? 0 : bytes.length);
  }

  congested(resume: () => void): boolean {
    return this.#owner.congested(this, resume);
  }

  /** There will be none, and none is missed: it is the only one that is waited for. */
  cancel(): void {
    this.done = true;
    this.#owner.flush();
  }

  /** The client has given up what it asked for: no server has failed. @param reason what it is told */
  giveUp(reason: string): void {
    this.#fail(reason);
  }

  onFailure(reason: string): void {
    this.#owner.onForwardError();
    this.#fail(reason);
  }

  #fail(reason: string): void {
    // What was begun cannot be taken back.
    if (this.parts.length > 0 || this.#owner.sentPartOf(this)) return this.#owner.close();
    this.onReply(errorReply(`ERR ${reason}`), true);
  }
}
