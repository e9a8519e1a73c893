/**
 * Goes through the objects of iterators: the kernel runs the program for them while their descriptor is read, in this thread. It does so in
 * small steps, between which the records of the programs can be taken.
 */
import { readSync } from "node:fs";
import { type Fd, iterCreate } from "../../native/index.ts";
import { errnoOf } from "./facts/capability-error.ts";

/** Objects of a step: for each, the program adds a byte to what is read. */
const STEP = 64;

export class Iteration {
  readonly #links: Fd[] = [];
  readonly #read = new Uint8Array(STEP);
  /** What is still to be read; undefined when nothing is under way. */
  #open: Fd[] | undefined;

  /** Puts an iterator's program, by its link, behind those that are run. */
  add(link: Fd): void {
    this.#links.push(link);
  }

  get underway(): boolean {
    return this.#open !== undefined;
  }

  /** Begins, or goes on a bit. False when there was nothing left to do: the next step begins anew. */
  step(): boolean {
    this.#open ??= this.#links.map(iterCreate);
    const [iterator] = this.#open;
    if (iterator === undefined) {
      this.#open = undefined;
      return false;
    }
    if (readSome(iterator, this.#read) === 0) this.#open.shift()!.close();
    return true;
  }

  /** Forgets the links, which belong to somebody else. */
  close(): void {
    for (const iterator of this.#open ?? []) iterator.close();
    this.#open = undefined;
    this.#links.length = 0;
  }
}

/** Bytes that were read, 0 at the end. */
function readSome(iterator: Fd, room: Uint8Array): number {
  try {
    return readSync(iterator.value, room);
  } catch (error) {
    // A signal came, or a million objects went by without output.
    if (errnoOf(error) === "EAGAIN" || errnoOf(error) === "EINTR") return 1;
    throw error;
  }
}
