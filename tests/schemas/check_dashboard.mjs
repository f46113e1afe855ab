// Checks dashboards against Grafana's own types, of two releases: the compiler reads the JSON as a
// literal, so that an unknown key or a value of the wrong kind is an error.
//
// Usage: node check_dashboard.mjs DASHBOARD.json...; writes a file beside itself
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const here = fileURLToPath(new URL(".", import.meta.url));
const dashboards = process.argv.slice(2);
if (dashboards.length === 0) throw new Error("name at least one dashboard");
let wrong = 0;

function check(release, dashboard) {
  const packageDirectory = resolve(here, `node_modules/grafana-schema-${release}/dist`);
  const literal = resolve(here, "dashboard_literal.ts");
  writeFileSync(literal, 'import type { Dashboard } from "./dashboard_types";\n' +
    `export const dashboard: Dashboard = ${readFileSync(dashboard, "utf8")};\n`);
  const program = ts.createProgram([literal], {
    noEmit: true, strict: true, skipLibCheck: true, types: [],
    module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler,
    paths: {
      "@grafana/schema": [release === 10 ? `${packageDirectory}/index` : `${packageDirectory}/esm/index`],
      "#composable/*": [`${packageDirectory}/esm/raw/composable/*`],
    },
  });
  for (const diagnostic of ts.getPreEmitDiagnostics(program)) {
    const line = diagnostic.file?.getLineAndCharacterOfPosition(diagnostic.start).line;
    const text = ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n");
    console.error(`${dashboard}:${line} (Grafana ${release}): ${text}`);
    wrong += 1;
  }
}

for (const dashboard of dashboards) {
  for (const release of [10, 11]) check(release, dashboard);
  console.log(`${dashboard}: checked against the types of Grafana 10.4 and 11.6`);
}
process.exit(wrong === 0 ? 0 : 1);
