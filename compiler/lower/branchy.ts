/**
 * Which blocks have so many branches that the kernel's verifier could lose its way. It follows every path whose numbers
 * it can tell apart, and what it knows of a number decides branches further on: twenty conditions in a row can be a million
 * paths. Where a block has more than a few, numbers are forgotten before they are tested: then all paths that meet are equal.
 * So it is done in long blocks, too, whose variables would be more than registers and stack have room for.
 */
import type { Unit } from "../sema/typed.ts";
import type { Node, Probe } from "../syntax/ast.ts";
import { nodesOf } from "../syntax/nodes.ts";
import { forEachChild } from "../syntax/walk.ts";

/** So many branches make at most as many paths as the verifier goes through without complaint. */
const FEW = 8;

/** Nodes of a block that is long whatever it does. */
const LONG = 1000;

export function isBranchy({ block, weights }: Unit): boolean {
  return weights.of(block) > LONG || branches(block) > FEW;
}

export function hasWhile(block: Probe): boolean {
  return nodesOf(block, "while").length > 0;
}

function branches(node: Node): number {
  let below = 0;
  forEachChild(node, (child) => {
    below += branches(child);
  });
  switch (node.kind) {
    case "if":
    case "ternary":
    case "while":
    case "for":
    case "call":
      return below + 1;
    case "binary":
      return isTest(node.operator) ? below + 1 : below;
    case "unroll":
      return below * (node.count.kind === "integer" ? Number(node.count.value) : 100);
    default:
      return below;
  }
}

function isTest(operator: string): boolean {
  return ["&&", "||", "==", "!=", "<", "<=", ">", ">="].includes(operator);
}
