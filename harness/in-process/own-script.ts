/** Scripts of our own: a diagnostic in one of them is a bug, and their maps hold nothing but counts. */
import { type CompileOptions, compile } from "../../compiler/compile.ts";
import { Diagnostics, renderDiagnostics } from "../../compiler/diagnostics.ts";
import type { KernelFacts } from "../../compiler/kernel-facts.ts";
import type { CompiledProgram } from "../../compiler/program.ts";
import { Source } from "../../compiler/source.ts";
import type { KeyPart } from "../metrics/ast.ts";
import type { MapData } from "../metrics/run-data.ts";
import { mapData } from "../tracing/metric-data.ts";
import type { Session } from "../tracing/session.ts";
import { decodeMap } from "../tracing/snapshot.ts";
import { hostResolver } from "../tracing/symbols/host.ts";

/** Where ids occur in them, they are the kernel's own, whatever PID namespace we are in. */
export function compileOwn(
  name: string,
  text: string,
  facts: KernelFacts,
  options: CompileOptions = {},
): CompiledProgram {
  const diags = new Diagnostics();
  const kernelsIds = Object.create(facts, { inFirstPidNamespace: { value: true } }) as KernelFacts;
  const program = compile(new Source(name, text), kernelsIds, diags, options);
  if (program === undefined) throw new Error(`the script ${name} does not compile:\n${renderDiagnostics(diags.items)}`);
  return program;
}

/** An entry of a map of counts or plain numbers. */
export interface Row {
  /** Truth values are 0 and 1. */
  readonly key: readonly (number | string)[];
  readonly value: number;
}

/** The entries of a map. Throws when there is no such map, or when it holds anything but numbers. */
export function rows(maps: readonly MapData[], name: string): Row[] {
  const map = maps.find((candidate) => candidate.name === name);
  if (map === undefined) throw new Error(`there is no map ${name}`);
  return map.entries.map(({ key, value }) => {
    if (value.kind !== "count" && value.kind !== "integer") throw new Error(`${name} holds more than numbers`);
    return { key: key.map(plain), value: Number(value.value) };
  });
}

function plain(part: KeyPart): number | string {
  if (typeof part === "object") throw new Error("a key within a key");
  return typeof part === "string" ? part : Number(part);
}

/** The maps of a session whose keys need nothing looked up. */
export function plainMaps(session: Session): MapData[] {
  const presentation = {
    resolver: hostResolver({ stack: () => [], userSymbol: () => undefined }),
    truncationTrailer: "..",
  };
  return session.readMaps().map((snapshot) => mapData(decodeMap(snapshot), presentation));
}
