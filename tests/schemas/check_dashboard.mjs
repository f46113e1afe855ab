// Checks a dashboard against Grafana's own types (dashboard_types.ts), of three releases.
//
// Usage: node check_dashboard.mjs DASHBOARD.json
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { typeErrors } from "./type_errors.mjs";

const [dashboard] = process.argv.slice(2);
const json = readFileSync(dashboard, "utf8");
const releases = {
  "10.4": ["grafana-schema-10", "index", "esm/raw/dashboard/x/dashboard_types.gen"],
  "11.6": ["grafana-schema-11", "esm/index", "esm/raw/dashboard/x/dashboard_types.gen"],
  "12.4": ["grafana-schema-12", "types/index", "types/raw/dashboard/x/types.gen"],
};
let wrong = 0;

for (const [release, [name, index, dashboardTypes]] of Object.entries(releases)) {
  const dist = fileURLToPath(new URL(`node_modules/${name}/dist`, import.meta.url));
  const errors = typeErrors([{ json, type: "Dashboard", from: "./dashboard_types" }], {
    "@grafana/schema": [`${dist}/${index}`],
    "#dashboard": [`${dist}/${dashboardTypes}`],
    "#composable/*": [`${dist}/esm/raw/composable/*`],
  });
  for (const error of errors) console.error(`${dashboard} (Grafana ${release}): ${error}`);
  console.log(`${dashboard}: ${errors.length} errors by the types of Grafana ${release}`);
  wrong += errors.length;
}
process.exit(wrong === 0 ? 0 : 1);
