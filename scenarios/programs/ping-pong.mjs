// Two threads take turns: each waits until the other has passed the turn on.
import { isMainThread, Worker, workerData } from "node:worker_threads";

if (isMainThread) {
  const turn = new Int32Array(new SharedArrayBuffer(4));
  const rounds = Number(process.argv[2]);
  const worker = new Worker(new URL(import.meta.url), { workerData: { turn, rounds } });
  worker.once("online", () => play(turn, rounds, 0));
} else {
  play(workerData.turn, workerData.rounds, 1);
}

function play(turn, rounds, me) {
  for (let i = 0; i < rounds; i++) {
    while (Atomics.load(turn, 0) !== me) Atomics.wait(turn, 0, 1 - me);
    Atomics.store(turn, 0, 1 - me);
    Atomics.notify(turn, 0);
  }
}
