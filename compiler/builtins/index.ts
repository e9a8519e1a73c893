/** All builtins: the rows of the tables beside this file. */
import { actionFunctions } from "./actions.ts";
import { aggregations } from "./aggregations.ts";
import { byteFunctions } from "./bytes.ts";
import { debugFunctions } from "./debug.ts";
import { mapFunctions } from "./maps.ts";
import { nameFunctions } from "./names.ts";
import { objectFunctions } from "./objects.ts";
import { outputFunctions } from "./output.ts";
import { packetFunctions } from "./packets.ts";
import { parameterFunctions } from "./parameters.ts";
import { probeFunctions, probeVariables } from "./probe.ts";
import { processFunctions, processVariables } from "./process.ts";
import { queryFunctions, queryVariables } from "./queries.ts";
import { registerFunctions, registerVariables } from "./registers.ts";
import { stackFunctions, stackVariables } from "./stacks.ts";
import { stringFunctions } from "./strings.ts";
import { symbolFunctions } from "./symbols.ts";
import type { Functions, Variables } from "./table.ts";
import { textFunctions } from "./text.ts";
import { timeFunctions, timeVariables } from "./time.ts";

export const variables: Variables = {
  ...processVariables,
  ...timeVariables,
  ...probeVariables,
  ...registerVariables,
  ...stackVariables,
  ...queryVariables,
};

export const functions: Functions = {
  ...aggregations,
  ...mapFunctions,
  ...objectFunctions,
  ...outputFunctions,
  ...debugFunctions,
  ...stringFunctions,
  ...timeFunctions,
  ...probeFunctions,
  ...registerFunctions,
  ...stackFunctions,
  ...symbolFunctions,
  ...actionFunctions,
  ...nameFunctions,
  ...parameterFunctions,
  ...processFunctions,
  ...byteFunctions,
  ...textFunctions,
  ...queryFunctions,
  ...packetFunctions,
};

/** Whether a name means something by itself. */
export function isBuiltin(name: string): boolean {
  return Object.hasOwn(functions, name) || Object.hasOwn(variables, name) || /^s?arg\d+$/.test(name);
}
