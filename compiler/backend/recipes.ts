/**
 * Decides where constants and addresses that must be in a register are made: right before the first instruction that
 * wants them, to be shared by those that follow until a call. Making one again costs an instruction, keeping it
 * across a call costs a register that has to be saved.
 */
import type { Shape } from "../ir/cfg.ts";
import { cloneInsn } from "../ir/clone.ts";
import { type BlockId, type Insn, type IrFunction, isImm, type VReg } from "../ir/ir.ts";
import { mapInputs } from "../ir/operands.ts";
import { clobbers, forEachUse, type OnUse, type Recipe, recipes } from "./operands.ts";

/** So many values are kept for later instructions at most: more would only crowd the registers. */
const MAX_KEPT = 4;

/**
 * In place, but instructions that become others are replaced. Afterwards a recipe is read from a register only behind its definition in
 * the same call-free stretch. Answers all recipes.
 */
export function placeRecipes(fn: IrFunction, { order, incoming }: Shape): ReadonlyMap<VReg, Recipe> {
  const known = recipes(fn);
  if (known.size === 0) return known;
  const kept = new Map<BlockId, Kept>();
  const wanted = new Set<VReg>();
  const want: OnUse = (reg, inRegister) => {
    if (inRegister && known.has(reg)) wanted.add(reg);
  };
  for (const block of order) {
    // What the only predecessor made is still there.
    const only = incoming[block.id]!.length === 1 ? incoming[block.id]![0]!.from.id : undefined;
    const placer = new Placer(fn, known, only === undefined ? undefined : kept.get(only));
    for (let insn of block.insns) {
      forEachUse(insn, fn, known, want);
      if (wanted.size > 0) {
        insn = cloneInsn(insn);
        placer.supply(insn, wanted);
        wanted.clear();
      }
      placer.output.push(insn);
      if (clobbers(insn) !== "none") placer.forget();
    }
    const { end } = block;
    if (end.op === "branch") {
      const supplied = (reg: VReg): VReg => {
        const recipe = known.get(reg);
        return recipe ? placer.take(recipe) : reg;
      };
      end.a = supplied(end.a);
      if (!isImm(end.b)) end.b = supplied(end.b);
    }
    block.insns = placer.output;
    kept.set(block.id, placer.kept);
  }
  return known;
}

/** Recipes by what they make; the first instance stands for all. */
type Kept = Map<string, Recipe>;

class Placer {
  readonly output: Insn[] = [];
  kept: Kept;
  readonly #fn: IrFunction;
  readonly #known: Map<VReg, Recipe>;

  constructor(fn: IrFunction, known: Map<VReg, Recipe>, inherited: Kept | undefined) {
    this.#fn = fn;
    this.#known = known;
    this.kept = new Map(inherited);
  }

  forget(): void {
    if (this.kept.size > 0) this.kept = new Map();
  }

  /** Replaces the operands of `insn` that are wanted in registers. */
  supply(insn: Insn, wanted: ReadonlySet<VReg>): void {
    if (insn.op === "load" || insn.op === "store" || insn.op === "atomic") this.#supplyBase(insn);
    mapInputs(insn, (reg) => (wanted.has(reg) ? this.take(this.#known.get(reg) as Recipe) : reg));
  }

  /** One register addresses all the values in a map, at different offsets. */
  #supplyBase(insn: Extract<Insn, { op: "load" | "store" | "atomic" }>): void {
    const recipe = this.#known.get(insn.base);
    if (recipe?.op !== "map-value") return;
    const start = this.#find(`map-value ${recipe.map}`, recipe) as typeof recipe;
    const offset = insn.offset + recipe.offset - start.offset;
    if (offset < -0x8000 || offset > 0x7fff) return;
    insn.base = start.dst;
    insn.offset = offset;
  }

  /** A register that holds what the recipe makes. */
  take(recipe: Recipe): VReg {
    return this.#find(recipeKey(recipe), recipe).dst;
  }

  #find(key: string, recipe: Recipe): Recipe {
    const found = this.kept.get(key);
    if (found) return found;
    if (this.kept.size >= MAX_KEPT) this.forget();
    const copy = { ...recipe, dst: this.#fn.nextVReg++ as VReg };
    this.kept.set(key, copy);
    this.#known.set(copy.dst, copy);
    this.output.push(copy);
    return copy;
  }
}

function recipeKey(recipe: Recipe): string {
  switch (recipe.op) {
    case "const":
      return `const ${recipe.value}`;
    case "host-const":
      return `host-const ${recipe.constant}`;
    case "map":
      return `map ${recipe.map}`;
    case "map-value":
      return `map-value ${recipe.map}+${recipe.offset}`;
    case "slot":
      return `slot ${recipe.slot}+${recipe.offset}`;
    case "func":
      return `func ${recipe.index}`;
  }
}
