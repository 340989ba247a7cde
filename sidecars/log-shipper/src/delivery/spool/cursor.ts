/**
 * Up to where the spool is settled. Written at each acknowledgement, so it must be cheap: two slots of
 * one small file in turn, each with a checksum, so that the last but one survives a torn write.
 */
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { setAsideDirectory } from '#kit/files/set-aside.ts';

const { crc32 } = process.getBuiltinModule('node:zlib');

/** Turn, segment, offset (8 bytes each) and CRC-32. */
const SLOT = 28;

export interface Position {
  /** Number of a segment. */
  readonly segment: number;
  /** Bytes into it. */
  readonly offset: number;
}

export class Cursor {
  readonly #fd: number;
  #turn = 0n;
  position: Position = { segment: 0, offset: 0 };

  /** @throws when the file can be neither opened nor made */
  constructor(path: string) {
    setAsideDirectory(path);
    this.#fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o640);
    const slots = Buffer.alloc(2 * SLOT);
    // Both slots are there from the beginning, so that a disk that fills up later cannot stop it.
    if (readSync(this.#fd, slots, 0, slots.length, 0) < slots.length) writeSync(this.#fd, slots, 0, slots.length, 0);
    for (const slot of [slots.subarray(0, SLOT), slots.subarray(SLOT)]) {
      const turn = slot.readBigUInt64LE(0);
      if (turn <= this.#turn || crc32(slot.subarray(0, SLOT - 4)) !== slot.readUInt32LE(SLOT - 4)) continue;
      this.#turn = turn;
      this.position = { segment: Number(slot.readBigUInt64LE(8)), offset: Number(slot.readBigUInt64LE(16)) };
    }
  }

  /** Move on. */
  move(position: Position): void {
    this.position = position;
    this.#turn += 1n;
    const slot = Buffer.alloc(SLOT);
    slot.writeBigUInt64LE(this.#turn, 0);
    slot.writeBigUInt64LE(BigInt(position.segment), 8);
    slot.writeBigUInt64LE(BigInt(position.offset), 16);
    slot.writeUInt32LE(crc32(slot.subarray(0, SLOT - 4)), SLOT - 4);
    writeSync(this.#fd, slot, 0, SLOT, Number(this.#turn % 2n) * SLOT);
  }

  close(): void {
    closeSync(this.#fd);
  }
}
