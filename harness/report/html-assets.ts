/** Script and style of the HTML report, which `npm run build` makes from client/. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../version.ts";
import type { ReportAssets } from "./html.ts";

/** Where they lie below the package's own folder. */
const ASSETS_FOLDER = "dist/report-client";

export function reportAssets(): ReportAssets {
  const read = (file: string): string => readFileSync(join(packageRoot(), ASSETS_FOLDER, file), "utf8");
  return { script: read("main.js"), style: read("main.css") };
}
