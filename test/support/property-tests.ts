/**
 * Loaded before every test file: property tests try the same cases in every run, unless they are told to soak (see soak.ts).
 * They end before the time that a test may take, so that a failure is reported even where making it smaller would take
 * hours.
 */
import fc from "fast-check";
import { soaking } from "./soak.ts";

fc.configureGlobal(soaking ? { endOnFailure: true } : { seed: 1, interruptAfterTimeLimit: 45_000 });
