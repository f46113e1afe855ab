// Checks Kubernetes manifests against the API's schemas and types, and the Prometheus operator's. The
// schemas know ranges and formats, the types which fields there are.
//
// Usage: node check_kubernetes.mjs MANIFEST.yaml...
import { readFileSync } from "node:fs";
import { parseDocument } from "yaml";
import { typeErrors } from "./type_errors.mjs";

const operator = "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1";
const packages = {
  "v1 Namespace": "kubernetes-models/v1",
  "v1 Service": "kubernetes-models/v1",
  "apps/v1 Deployment": "kubernetes-models/apps/v1",
  "networking.k8s.io/v1 NetworkPolicy": "kubernetes-models/networking.k8s.io/v1",
  "monitoring.coreos.com/v1 ServiceMonitor": operator,
  "monitoring.coreos.com/v1 PrometheusRule": operator,
};
const manifests = process.argv.slice(2);
if (manifests.length === 0) throw new Error("name at least one manifest");
let wrong = 0;

async function problemsOf(manifest) {
  const document = parseDocument(readFileSync(manifest, "utf8"), { version: "1.1" });
  if (document.errors.length > 0) return document.errors.map((error) => error.message);
  const object = document.toJS();
  const from = packages[`${object?.apiVersion} ${object?.kind}`];
  if (!from) return [`nothing here knows ${object?.apiVersion} ${object?.kind}`];
  const problems = typeErrors([{ json: JSON.stringify(object, null, 1), type: `I${object.kind}`, from }]);
  const model = await import(from);
  try {
    new model[object.kind](object).validate();
  } catch (error) {
    problems.push(error.message);
  }
  return problems;
}

for (const manifest of manifests) {
  const problems = await problemsOf(manifest);
  for (const problem of problems) console.error(`${manifest}: ${problem}`);
  console.log(`${manifest}: ${problems.length} problems`);
  wrong += problems.length;
}
process.exit(wrong === 0 ? 0 : 1);
