/**
 * Random programs give the same results three times: evaluated as IR, and compiled and run as bytes with the optimiser off
 * and on, with and without the instructions of newer kernels.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { disassemble } from "../../compiler/asm/disassemble.ts";
import { compileIr } from "../../compiler/backend/compile-ir.ts";
import { cloneProgram } from "../../compiler/ir/clone.ts";
import type { IrProgram } from "../../compiler/ir/ir.ts";
import { printProgram } from "../../compiler/ir/print.ts";
import { verifyFunction, verifyProgram } from "../../compiler/ir/verify.ts";
import { optimise } from "../../compiler/opt/optimise.ts";
import { evaluate } from "../support/ir-eval.ts";
import { buildProgram, context, randomMaps, statements, variables } from "../support/random-ir.ts";
import { cases } from "../support/soak.ts";
import { Vm } from "./interpreter.ts";

interface Outcome {
  result: bigint;
  maps: unknown[];
  submitted: unknown[];
}

function outcome(vm: Vm, result: bigint): Outcome {
  const maps = vm.maps.map((map) =>
    map
      .keys()
      .map((key) => [Buffer.from(key).toString("hex"), map.values(key)?.map((v) => Buffer.from(v).toString("hex"))])
      .sort(),
  );
  return { result, maps, submitted: vm.submitted.map(({ bytes }) => Buffer.from(bytes).toString("hex")) };
}

/** Twice each, so that the second run finds the maps that the first one left. */
function evaluated(program: IrProgram, words: readonly bigint[]): Outcome {
  const vm = new Vm({ maps: randomMaps });
  evaluate(program, vm, { context: words });
  return outcome(vm, evaluate(program, vm, { context: words }));
}

function executed(program: IrProgram, words: readonly bigint[], cpuV4: boolean): Outcome {
  const compiled = compileIr(program, { cpuV4 });
  if (!compiled.ok) throw new Error(compiled.error.code);
  const vm = new Vm({ maps: randomMaps });
  try {
    vm.run(compiled, { context: words });
    return outcome(vm, vm.run(compiled, { context: words }));
  } catch (error) {
    throw new Error(`${error}\n${printProgram(program)}\n${disassemble(compiled.code)}`, { cause: error });
  }
}

describe("random programs", () => {
  it("do the same when evaluated and when compiled", { timeout: 600_000 }, () => {
    fc.assert(
      fc.property(statements, variables, context, fc.boolean(), (body, count, words, cpuV4) => {
        const program = buildProgram(body, count);
        verifyProgram(program);
        const expected = evaluated(program, words);
        expect(executed(program, words, cpuV4)).toEqual(expected);

        const optimised = cloneProgram(program);
        optimise(optimised, (pass, fn) => {
          try {
            verifyFunction(fn, optimised.functions.length);
          } catch (error) {
            throw new Error(`after ${pass.name}: ${error}`, { cause: error });
          }
        });
        expect(evaluated(optimised, words)).toEqual(expected);
        expect(executed(optimised, words, cpuV4)).toEqual(expected);
      }),
      cases(400),
    );
  });
});
