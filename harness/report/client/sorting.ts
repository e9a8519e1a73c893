/** Tables whose heads are buttons: pressed once, a column sorts by its most interesting end, pressed again by the other. */

type Direction = "ascending" | "descending";

export function makeSortable(table: HTMLTableElement): void {
  const heads = [...(table.tHead?.rows[0]?.cells ?? [])];
  for (const [column, head] of heads.entries()) {
    if (head.textContent === "") continue;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const rows = [...(table.tBodies[0]?.rows ?? [])];
      // Numbers: the large ones are what one looks for.
      const first: Direction = rows.some((row) => numberOf(row, column) !== undefined) ? "descending" : "ascending";
      const before = head.getAttribute("aria-sort");
      const direction = before === null ? first : before === "ascending" ? "descending" : "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", direction);
      table.tBodies[0]?.append(...sorted(rows, column, direction));
    });
  }
}

function sorted(rows: readonly HTMLTableRowElement[], column: number, direction: Direction): HTMLTableRowElement[] {
  const sign = direction === "ascending" ? 1 : -1;
  return [...rows].sort((a, b) => {
    const [x, y] = [numberOf(a, column), numberOf(b, column)];
    // What has no value stands at the end, whichever way.
    if (isEmpty(a, column) || isEmpty(b, column)) return Number(isEmpty(a, column)) - Number(isEmpty(b, column));
    if (x !== undefined && y !== undefined) return x === y ? 0 : sign * (x < y ? -1 : 1);
    return sign * textOf(a, column).localeCompare(textOf(b, column), "en", { numeric: true });
  });
}

function textOf(row: HTMLTableRowElement, column: number): string {
  return row.cells[column]?.textContent?.trim() ?? "";
}

function isEmpty(row: HTMLTableRowElement, column: number): boolean {
  const sortBy = row.cells[column]?.dataset.sort;
  return sortBy === undefined ? textOf(row, column) === "" : sortBy === "";
}

function numberOf(row: HTMLTableRowElement, column: number): number | undefined {
  const sortBy = row.cells[column]?.dataset.sort;
  return sortBy === undefined || sortBy === "" ? undefined : Number(sortBy);
}
