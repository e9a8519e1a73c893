/**
 * The script of the HTML report. The page is whole without it; it adds sorting, filtering and charts. All of them work
 * by keyboard.
 */
import "uplot/dist/uPlot.min.css";
import "./style.css";
import { drawCharts } from "./charts.ts";
import { makeFilters } from "./filters.ts";
import { openTargets } from "./sections.ts";
import { makeSortable } from "./sorting.ts";

for (const table of document.querySelectorAll<HTMLTableElement>("table.sortable")) makeSortable(table);
makeFilters();
openTargets();
drawCharts();
